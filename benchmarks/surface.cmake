# The bonding surface, its E-CLP and its fee.
homeostat_program(surface_bench SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/surface_bench.cpp
                  LINK homeostat_bench_table homeostat_economy fmt::fmt)
homeostat_bench_smoke(surface_bench)
