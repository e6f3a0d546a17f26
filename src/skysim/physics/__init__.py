"""Physics of stellar atmospheres: gas, opacity, lines, radiative transfer."""
