"""What goes in and out of the service, and in which bounds: the source of its OpenAPI page."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from helpers.coronal_spectra import PIXELS
from labkit.service.limits import BATCH

#: how far a pixel may be from its place, Å
TOLERANCE = 0.01
#: no pixel's flux is known to one part in this
GREATEST_SNR = 1e4
#: the pixels in words
GRID = f"{PIXELS[0]:g} + {PIXELS[1] - PIXELS[0]:g} i Å, i = 0 to {PIXELS.size - 1}"
#: beyond these a number is a mistake
_LARGEST, _SMALLEST = 1e30, 1e-30

_Pixels = (Field(min_length=PIXELS.size, max_length=PIXELS.size), FailFast())
_Number = Annotated[float, Field(strict=True, ge=-_LARGEST, le=_LARGEST, allow_inf_nan=False)]
_Positive = Annotated[float, Field(strict=True, ge=_SMALLEST, le=_LARGEST, allow_inf_nan=False)]


def _wrong(problem: str, advice: str) -> PydanticCustomError:
    """Say what is wrong with a spectrum, and what to do about it."""
    return PydanticCustomError(
        "spectrum", "{problem}. {advice}", {"problem": problem, "advice": advice}
    )


class _Model(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Spectrum(_Model):
    """A spectrum of a corona on lab 9's pixels."""

    wavelength: Annotated[
        list[_Positive],
        *_Pixels,
        Field(
            description=f"In vacuum, Å: the pixels {GRID}, each within {TOLERANCE} Å of its place."
        ),
    ]
    flux: Annotated[list[_Number], *_Pixels, Field(description="Flux per Å, in any unit.")]
    error: Annotated[
        list[_Positive],
        *_Pixels,
        Field(
            description="Standard deviation of the flux, in its unit; for a bad pixel a very "
            f"large one. No pixel's flux may exceed {GREATEST_SNR:g} times its error."
        ),
    ]

    @field_validator("wavelength")
    @classmethod
    def _on_the_pixels(cls, wavelength: list[float]) -> list[float]:
        off = np.abs(np.array(wavelength) - PIXELS)
        worst = int(np.argmax(off))
        if off[worst] > TOLERANCE:
            raise _wrong(
                f"pixel {worst} is at {wavelength[worst]:.8g} Å instead of {PIXELS[worst]:.8g} Å",
                f"Interpolate the spectrum to the pixels {GRID}.",
            )
        return wavelength

    @model_validator(mode="after")
    def _light_above_noise(self) -> Spectrum:
        flux, error = np.array(self.flux), np.array(self.error)
        snr = np.abs(flux) / error
        worst = int(np.argmax(snr))
        if snr[worst] > GREATEST_SNR:
            raise _wrong(
                f"the flux of pixel {worst} is {snr[worst]:.3g} times its error, and no more than "
                f"{GREATEST_SNR:g} times is believed",
                "Give flux and error in the same unit.",
            )
        if not np.quantile(flux, 0.99) > 0:
            raise _wrong(
                "fewer than 1 % of the pixels have a flux above 0: there are no emission lines",
                "Check the sign of the flux, and the background taken from it.",
            )
        return self


class Batch(_Model):
    """Several spectra of coronae."""

    spectra: Annotated[list[Spectrum], Field(min_length=1, max_length=BATCH)]


class Quantity(BaseModel):
    """The posterior of one quantity, in dex."""

    mean: float
    sd: float
    interval_68: tuple[float, float]
    interval_95: tuple[float, float]


class Line(BaseModel):
    """A line, and the network's probability that it is present.

    A line is present that has more than a tenth of the brightest line's flux.
    """

    ion: Annotated[str, Field(examples=["Fe XIII"])]
    wavelength: Annotated[float, Field(description="In vacuum, Å.")]
    probability: Annotated[float, Field(ge=0, le=1)]


class Corona(BaseModel):
    """What a spectrum says of its corona, and whether that can be trusted."""

    log_temperature: Annotated[Quantity, Field(description="log10 of the peak temperature in K.")]
    log_density: Annotated[Quantity, Field(description="log10 of electrons per cm³.")]
    correlation: Annotated[float, Field(ge=-1, le=1, description="Of the two.")]
    reliable: Annotated[bool, Field(description="False if there is a warning.")]
    warnings: Annotated[list[str], Field(description="What is wrong, and what to do.")]
    pareto_k: Annotated[
        float | None,
        Field(
            description="Shape of the tail of the importance weights: the posterior is not to be "
            "trusted above 0.7, or where it is null."
        ),
    ]
    effective_draws: Annotated[float, Field(gt=0)]
    chi2_per_pixel: Annotated[
        float, Field(ge=0, description="About 1 if the model describes the spectrum.")
    ]
    lines: Annotated[list[Line], Field(description="In order of wavelength.")]


class Coronae(BaseModel):
    """The answers to a batch, in its order."""

    coronae: list[Corona]


class Health(BaseModel):
    """That the service is up, how busy it is, and how much it takes."""

    status: Literal["ok"] = "ok"
    version: Annotated[str, Field(description="Of the kit.")]
    in_work: Annotated[int, Field(ge=0, description="Spectra that are measured or wait.")]
    most_in_work: Annotated[int, Field(description="More are refused with 503.")]
    largest_batch: Annotated[int, Field(description="Spectra in a request; more: 422.")]
    largest_body: Annotated[int, Field(description="Bytes of a request; more: 413.")]


class Fault(BaseModel):
    """One thing that is wrong."""

    where: Annotated[str, Field(examples=["spectra[3].error[17]"])]
    problem: Annotated[str, Field(examples=["-0.2 is less than 1e-30"])]
    advice: Annotated[
        str, Field(examples=["Give every pixel an error above 0; a bad one a very large error."])
    ]


class Refusal(BaseModel):
    """Why a request is not answered."""

    errors: Annotated[list[Fault], Field(min_length=1)]
