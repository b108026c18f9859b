# Arbitrage over every pair of chains, and the flow of a rebalancing.
homeostat_program(markets_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/markets_bench.cpp
                  LINK homeostat_bench_table homeostat_economy fmt::fmt)
homeostat_bench_smoke(markets_bench)
