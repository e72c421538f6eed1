# The report as HTML, a part of ktax_ui. Style and script stand in files of their own and are
# embedded.
foreach(part IN ITEMS page.css page.js)
  add_custom_command(
    OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${part}.inc
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/html/${part}
            -DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${part}.inc
            -P ${PROJECT_SOURCE_DIR}/collector/recording/embed.cmake
    DEPENDS html/${part} ${PROJECT_SOURCE_DIR}/collector/recording/embed.cmake
    VERBATIM)
  target_sources(ktax_ui PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${part}.inc)
endforeach()
set(KTAX_HTML_SOURCES
  html page plot report_html scale shared
  ab_arms ab_section diff_html bands_plot curves hooks_table host ledger_table multiples readiness_table
  series_plots summary verdict waterfall)
list(TRANSFORM KTAX_HTML_SOURCES PREPEND html/)
list(TRANSFORM KTAX_HTML_SOURCES APPEND .c)
target_sources(ktax_ui PRIVATE ${KTAX_HTML_SOURCES})
target_include_directories(ktax_ui PUBLIC html PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
target_link_libraries(ktax_ui PUBLIC PkgConfig::JANSSON PRIVATE PkgConfig::LIBCRYPTO)
