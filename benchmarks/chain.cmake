# Chain ingest from a real node (anvil, as the integration tests use it).
homeostat_program(chain_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/chain_bench.cpp
                  LINK homeostat_bench_table homeostat_chain_support)
homeostat_bench_smoke(chain_bench)

# Following a chain that was recorded from one.
homeostat_program(live_bench
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/live_bench.cpp ${CMAKE_CURRENT_SOURCE_DIR}/support/recorded_chain.cpp
  LINK homeostat_bench_support homeostat_chain_support)
add_dependencies(live_bench homeostatd)
homeostat_bench_smoke(live_bench)
