"""The hls4ml engine: layers unrolled or time-multiplexed, emitted through hls4ml."""
