# The bonding surface: redemption, splits, the composed system.
homeostat_program(bonding_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/bonding_bench.cpp
                  LINK homeostat_bench_table homeostat_economy fmt::fmt)
homeostat_bench_smoke(bonding_bench)
