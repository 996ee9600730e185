"""What makes and judges our own base; nothing but its own commands imports it."""
