"""Users' samples: arrays, images and labels."""
