# What shadow policies cost beside the engine that they shadow.
homeostat_program(shadow_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/shadow_bench.cpp
                  LINK homeostat_bench_table homeostat_engine fmt::fmt)
homeostat_bench_smoke(shadow_bench)
