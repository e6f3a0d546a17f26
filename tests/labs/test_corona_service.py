"""The web service on what the executed lab 9 saved for it."""

import numpy as np
import pytest

from helpers import corona
from labkit import ROOT
from labkit.service import network, posterior, product

LAB = pytest.mark.parametrize("slug", ["09_corona"])


@LAB
def test_service_measures_coronae_with_the_product_of_the_lab(slug, walkthrough):
    made = product.read(ROOT / "build" / "run" / "products" / "09_corona_model.npz")
    sampler, sky = posterior.Sampler(made), corona.simulated_spectra(100, seed=94)
    pulls, trusted = [], []
    for flux, error, *truth in zip(sky.flux, sky.error, sky.log_t, sky.log_n, strict=True):
        flux, error = flux.astype(float), error.astype(float)
        found = sampler.posterior(
            flux, error, network.line_probabilities(made.network, flux, error)
        )
        marginals = found.log_temperature, found.log_density
        pulls.append([(m.mean - t) / m.sd for m, t in zip(marginals, truth, strict=True)])
        trusted.append(found.pareto_k < 0.7)
    rms = np.sqrt(np.mean(np.square(pulls), axis=0))
    print(
        f"\nservice on 100 new coronae: rms pull of log T {rms[0]:.2f}, log n {rms[1]:.2f}", end=""
    )
    print(f"; k below 0.7 for {np.mean(trusted):.0%}")
    # the rms of 100 pulls scatters by 0.07
    assert ((rms > 0.79) & (rms < 1.21)).all()
    assert np.mean(trusted) > 0.8
