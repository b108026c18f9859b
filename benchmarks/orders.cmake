# Signed orders, without an engine around them.
homeostat_program(orders_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/orders_bench.cpp
                  LINK homeostat_bench_table homeostat_guardian fmt::fmt)
homeostat_bench_smoke(orders_bench)
