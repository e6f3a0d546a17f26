"""Positions on the sky, 2MASS designations, and barycentric velocity corrections."""

from __future__ import annotations

import numpy as np

from skysim.spectra.h_band import KM_S
from skysim.stars.giants import SkyField


def _sun_longitude(jd: float) -> float:
    """Ecliptic longitude of the Sun in radians (Meeus 1998, chapter 25, low accuracy)."""
    days = jd - 2451545.0
    anomaly = np.radians(357.528 + 0.9856003 * days)
    mean = np.radians(280.460 + 0.9856474 * days)
    return mean + np.radians(1.915) * np.sin(anomaly) + np.radians(0.020) * np.sin(2 * anomaly)


def barycentric_correction(ra: float, dec: float, jd: float) -> float:
    """Velocity (km/s) to add to a measured Doppler shift to refer it to the barycentre.

    Circular orbit of the Earth at 29.79 km/s plus its rotation at Apache Point at meridian transit
    neglected: good to 0.6 km/s.

    Parameters
    ----------
    ra, dec : float
        Direction of the star, deg (J2000).
    jd : float
        Julian date.

    Returns
    -------
    float
        km/s.
    """
    tilt = np.radians(23.439)
    alpha, delta = np.radians([ra, dec])
    x = np.cos(delta) * np.cos(alpha)
    y = np.cos(delta) * np.sin(alpha) * np.cos(tilt) + np.sin(delta) * np.sin(tilt)
    sun = _sun_longitude(jd)
    return float(29.79 * (np.sin(sun) * x - np.cos(sun) * y))


def star_name(ra: float, dec: float) -> str:
    """2MASS designation of a position: 2M, hours to 0.01 s, degrees to 0.1 arcsec, truncated."""
    total = int(ra / 15.0 * 360000.0)
    arc = int(abs(dec) * 36000.0)
    hms = f"{total // 360000:02d}{total // 6000 % 60:02d}{total % 6000:04d}"
    dms = f"{arc // 36000:02d}{arc // 600 % 60:02d}{arc % 600:03d}"
    return f"2M{hms}{'-' if dec < 0 else '+'}{dms}"


def star_position(name: str) -> tuple[float, float]:
    """Right ascension and declination (deg) from a 2MASS designation."""
    hours = int(name[2:4]) + int(name[4:6]) / 60 + (int(name[6:10]) + 0.5) / 360000
    degrees = int(name[11:13]) + int(name[13:15]) / 60 + (int(name[15:18]) + 0.5) / 36000
    return 15.0 * hours, degrees if name[10] == "+" else -degrees


def star_positions(rng: np.random.Generator, place: SkyField, n: int, radius: float) -> np.ndarray:
    """Random positions (n, 2) in a disc of the given radius in degrees."""
    r, phi = radius * np.sqrt(rng.random(n)), 2 * np.pi * rng.random(n)
    dec = place.dec + r * np.sin(phi)
    return np.column_stack([place.ra + r * np.cos(phi) / np.cos(np.radians(dec)), dec])


def doppler_pixels(velocity_km_s: float, step: float = 6e-6) -> float:
    """Shift on the log-wavelength grid, in pixels, of a velocity in km/s.

    Parameters
    ----------
    velocity_km_s : float
        Positive away from us.
    step : float
        Step of log10 wavelength from pixel to pixel.

    Returns
    -------
    float
    """
    return float(np.log10(1.0 + velocity_km_s / KM_S) / step)
