# The laws that are not PID, without an engine around them.
homeostat_program(laws_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/laws_bench.cpp
                  LINK homeostat_bench_table homeostat_controller fmt::fmt)
homeostat_bench_smoke(laws_bench)
