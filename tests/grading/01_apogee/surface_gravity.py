# %% right: constants typed in
def surface_gravity(mass, radius):
    import math

    return math.log10(6.6743e-8 * mass * 1.98841e33 / (radius * 6.957e10) ** 2)

# %% right: relative to the Sun
def surface_gravity(mass, radius):
    return 4.438 + np.log10(mass) - 2 * np.log10(radius)

# %% right: SI, then 2 dex for the centimetres, as an array
def surface_gravity(mass, radius):
    g = 6.674e-11 * np.array(mass) * 1.989e30 / (np.array(radius) * 6.96e8) ** 2
    return np.log10(g) + 2

# %% right: scipy's constants
def surface_gravity(mass, radius):
    from scipy.constants import G

    return np.log10(100 * G * mass * 1.98847e30 / (radius * 6.957e8) ** 2)

# %% right: single precision
def surface_gravity(mass, radius):
    mass, radius = np.float32(mass), np.float32(radius)
    return np.float32(4.438) + np.log10(mass / radius**2)

# %% wrong: natural logarithm | loses: test_surface_gravity test_surface_gravity_scaling
# np.log10 => np.log

# %% wrong: SI instead of cgs | loses: test_surface_gravity
# "cm / s2" => "m / s2"

# %% wrong: radius not squared | loses: test_surface_gravity test_surface_gravity_scaling
def surface_gravity(mass, radius):
    return np.log10(6.674e-8 * mass * 1.989e33 / (radius * 6.957e10))

# %% wrong: no logarithm | loses: test_surface_gravity test_surface_gravity_scaling
# np.log10(gravity.to_value("cm / s2")) => gravity.to_value("cm / s2")

# %% wrong: G in SI, the rest in cgs | loses: test_surface_gravity
def surface_gravity(mass, radius):
    return np.log10(6.674e-11 * mass * 1.989e33 / (radius * 6.957e10) ** 2)

# %% wrong: the Sun whatever the body | loses: test_surface_gravity test_surface_gravity_scaling
def surface_gravity(mass, radius):
    return 4.44

# %% wrong: mass forgotten | loses: test_surface_gravity test_surface_gravity_scaling
# constants.G * mass => constants.G

# %% wrong: a larger body pulls harder | loses: test_surface_gravity test_surface_gravity_scaling
# / (radius * constants.R_sun) ** 2 => * (radius * constants.R_sun) ** 2 / constants.R_sun**4

# %% wrong: the mass comes back | loses: test_surface_gravity test_surface_gravity_scaling
def surface_gravity(mass, radius):
    return mass
