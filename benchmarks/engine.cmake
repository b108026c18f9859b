# The engine alone, without a process or a disk.
homeostat_program(engine_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/engine_bench.cpp
                  LINK homeostat_bench_table homeostat_engine)
homeostat_bench_smoke(engine_bench)
