# The engine alone, without a process or a disk.
homeostat_program(engine_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/engine_bench.cpp
                  LINK homeostat_bench_table homeostat_engine)
add_test(NAME engine_bench_smoke COMMAND engine_bench --smoke)
set_tests_properties(engine_bench_smoke PROPERTIES TIMEOUT 300 LABELS bench)
