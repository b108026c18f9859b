# The token mechanisms by themselves: an epoch shared out, balances after a rebase, single decisions.
homeostat_program(tokenomics_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/tokenomics_bench.cpp
                  LINK homeostat_bench_table homeostat_economy fmt::fmt)
homeostat_bench_smoke(tokenomics_bench)
