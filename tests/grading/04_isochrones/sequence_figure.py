"""Rivals of `sequence_figure`."""

# %% right: shifted downwards, legend
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    k = (wavelength > 16000) & (wavelength < 16200)
    for i in range(len(values)):
        ax.plot(wavelength[k], spectra[i][k] - 0.5 * i, label=f"{name} = {values[i]:.2f}", color=plt.cm.viridis(i / len(values)))
    ax.legend()
    ax.set(xlabel=r"wavelength [$\AA$]", ylabel="flux + offset", xlim=(16000, 16200))
    return fig

# %% right: the whole spectra, limits set, in micrometres
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots(figsize=(10, 8))
    for i, (s, v) in enumerate(zip(spectra, values)):
        ax.plot(wavelength / 1e4, s + 0.25 * i, c=plt.cm.cividis(i / 10))
        ax.text(1.6, 1 + 0.25 * i, f"{v:.1f}")
    ax.set_title(name)
    ax.set_xlim(1.6, 1.62)
    ax.set_xlabel(r"$\lambda$ / $\mu$m")
    return fig

# %% wrong: no offset | loses: test_sequence_figure
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for s, v in zip(spectra, values):
        ax.plot(wavelength, s, label=f"{name} {v}")
    ax.legend()
    ax.set(xlabel="wavelength / Å", xlim=(16000, 16200))
    return fig

# %% wrong: shifted by the value itself | loses: test_sequence_figure
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for s, v in zip(spectra, values):
        ax.plot(wavelength, s + v**2, label=f"{name} {v}")
    ax.legend()
    ax.set(xlabel="wavelength / Å", xlim=(16000, 16200))
    return fig

# %% wrong: multiplied instead of shifted | loses: test_sequence_figure
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i, (s, v) in enumerate(zip(spectra, values)):
        ax.plot(wavelength, s * (1 + 0.3 * i), label=f"{name} {v}")
    ax.legend()
    ax.set(xlabel="wavelength / Å", xlim=(16000, 16200))
    return fig

# %% wrong: the whole range is shown | loses: test_sequence_figure_window
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i, (s, v) in enumerate(zip(spectra, values)):
        ax.plot(wavelength, s + 0.3 * i, label=f"{name} {v}")
    ax.legend()
    ax.set(xlabel="wavelength / Å")
    return fig

# %% wrong: half of the range | loses: test_sequence_figure_window
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i, (s, v) in enumerate(zip(spectra, values)):
        ax.plot(wavelength, s + 0.3 * i, label=f"{name} {v}")
    ax.legend()
    ax.set(xlabel="wavelength / Å", xlim=(16000, 16100))
    return fig

# %% wrong: against pixel number | loses: test_sequence_figure test_sequence_figure_window
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i, (s, v) in enumerate(zip(spectra, values)):
        ax.plot(s + 0.3 * i, label=f"{name} {v}")
    ax.legend()
    ax.set(xlabel="wavelength / Å")
    return fig

# %% wrong: nothing is labelled | loses: test_sequence_figure_labels
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i, s in enumerate(spectra):
        ax.plot(wavelength, s + 0.3 * i)
    ax.set(xlim=(16000, 16200))
    return fig

# %% wrong: the colours are not explained | loses: test_sequence_figure_labels
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i, s in enumerate(spectra):
        ax.plot(wavelength, s + 0.3 * i, color=plt.cm.cividis(i / 8))
    ax.set(xlabel="wavelength / Å", ylabel="flux", xlim=(16000, 16200))
    return fig

# %% wrong: only the first and the last | loses: test_sequence_figure
def sequence_figure(wavelength, spectra, values, name):
    fig, ax = plt.subplots()
    for i in (0, len(values) - 1):
        ax.plot(wavelength, spectra[i] + 0.3 * i, label=f"{name} {values[i]}")
    ax.legend()
    ax.set(xlabel="wavelength / Å", xlim=(16000, 16200))
    return fig
