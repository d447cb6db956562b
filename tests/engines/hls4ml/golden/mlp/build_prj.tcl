# Builds mlp for xc7z020clg400-1 at 100 MHz, with any of:
#     vitis-run --mode hls --tcl build_prj.tcl        (Vitis 2024.2 and later)
#     vitis_hls -f build_prj.tcl                      (Vitis HLS 2020.1 to 2024.1)
#     vivado_hls -f build_prj.tcl                     (Vivado HLS)
# Switch steps on and off here.
array set opt {
    csim   1
    csynth 1
    cosim  0
    export 0
}

cd [file dirname [file normalize [info script]]]
set top mlp
set cflags "-std=c++0x"

open_project -reset ${top}_prj
set_top $top
add_files firmware/${top}.cpp -cflags $cflags
add_files -tb ${top}_test.cpp -cflags $cflags
add_files -tb tb_vectors.h
add_files -tb firmware/weights
add_files -tb tb_data

open_solution -reset "solution1"
set_part xc7z020clg400-1
create_clock -period 10.000 -name default
set_clock_uncertainty 27% default
config_compile -name_max_length 80
# Vitis HLS only, whose default changed from stp to frp in 2021.
# Free-running: a layer that waits for pixels lets go of those that it has, and no FIFO is needed for them.
catch {config_compile -pipeline_style frp}
# Vivado HLS only: Vitis HLS has this limit built in.
catch {config_array_partition -maximum_size 4096}

if {$opt(csim)} {
    csim_design
}
if {$opt(csynth)} {
    csynth_design
}
if {$opt(cosim)} {
    cosim_design
}
if {$opt(export)} {
    export_design -format ip_catalog
}
exit
