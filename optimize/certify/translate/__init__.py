"""From the recorded physics to the operations that are bounded, node by node."""
