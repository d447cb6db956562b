"""What leaves the host with a design: its description for the device, its drivers, its package."""
