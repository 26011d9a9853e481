"""From word attributions to a checkpoint that explains itself more truly, and the mini world to try it in."""
