# Chain ingest from a real node (anvil, as the integration tests use it).
homeostat_program(chain_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/chain_bench.cpp
                  LINK homeostat_bench_table homeostat_chain_support)
homeostat_bench_smoke(chain_bench)
