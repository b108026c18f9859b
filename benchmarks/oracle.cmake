# The oracle alone: how fast it judges samples, and what it needs at the sizes it is asked to bear.
foreach(name samples_bench scale_bench)
  homeostat_program(${name} SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp LINK homeostat_bench_table homeostat_oracle)
  homeostat_bench_smoke(${name})
endforeach()
