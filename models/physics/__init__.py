"""What one satellite is and does: orbit, power, heat, mass, radiation, failures, links, propulsion."""
