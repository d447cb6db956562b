# Streaming design of cnn, with one of:
#     vitis-run --mode hls --tcl build_prj.tcl                (Vitis 2024.2 and later)
#     vitis_hls -f build_prj.tcl [csim] [cosim] [export]      (Vitis HLS 2020.1 to 2024.1)
# C synthesis always runs; each word adds a step. vitis-run passes no words: write them here.
set steps {}
if {[info exists argv]} {
    lappend steps {*}$argv
}
set here [file dirname [file normalize [info script]]]
cd $here

open_project -reset cnn_prj
set_top cnn
set flags "-std=c++14 -I$here/include -I$here"
add_files cnn.cpp -cflags $flags
add_files -tb testbench.cpp -cflags $flags
add_files -tb tb_data

open_solution -reset solution1 -flow_target vivado
set_part xc7z020clg400-1
create_clock -period 6.667 -name default
# Free-running: an operator that waits for its output still drains, as FIFO depths take for granted.
# From 2023.1 on flp drains as well, and its loops can go on from frame to frame (rewind).
config_compile -pipeline_style frp

if {"csim" in $steps} {
    csim_design
}
csynth_design
if {"cosim" in $steps} {
    cosim_design
}
if {"export" in $steps} {
    export_design -format ip_catalog -display_name cnn
}
exit
