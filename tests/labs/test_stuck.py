"""A student who cannot solve a step goes on with the box *Stuck?* that follows it."""

import re

import matplotlib
import pytest

from labkit import lab_source

#: exercises left unsolved, whose results the lab's boxes replace
UNSOLVED = {
    "01_apogee": {
        "catalogue_query",
        "is_good_giant",
        "best_rows",
        "spectrum_paths",
        "wavelength_grid",
        "read_sample",
    },
    "02_continuum": {"continuum_pixels", "normalise"},
    "03_cannon": {"split_sample", "train", "fit_stars", "clean_training"},
    "04_isochrones": {
        "bracket_age",
        "at_same_eep",
        "branch_temperature",
        "predict_spectra",
        "closest_metallicity",
    },
    "05_mcmc": {"predict", "sample_posterior", "extra_scatter", "sample_with_scatter"},
    "06_neural_labels": {"scale_labels", "train_network", "input_gradient"},
}
BOX = re.compile(r"<details><summary>Stuck\?.*?```python\n(.*?)```.*?</details>", re.DOTALL)
ANSWER = re.compile(r"### BEGIN SOLUTION.*?### END SOLUTION", re.DOTALL)


@pytest.mark.parametrize("slug", UNSOLVED)
def test_boxes_lead_past_unsolved_steps(slug, tmp_path, monkeypatch):
    """The story stops only where an unsolved exercise is called, never for want of its result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABKIT_PRODUCTS", "none")
    namespace, boxes, stops = {}, 0, 0
    with matplotlib.rc_context():
        for cell in lab_source.read(slug).cells:
            grading = cell.metadata.get("nbgrader", {})
            if cell.cell_type == "markdown":
                for box in BOX.findall(cell.source):
                    exec(box, namespace)
                    boxes += 1
                continue
            if grading.get("locked") and grading.get("grade"):
                continue
            code = cell.source
            if grading.get("grade_id") in UNSOLVED[slug]:
                code = ANSWER.sub("raise NotImplementedError", code)
            try:
                exec(compile(code, f"<{slug}: {cell.id}>", "exec"), namespace)
            except NotImplementedError:
                stops += 1
    print(f"\n{slug}: {boxes} boxes, {stops} story cells stopped")
    assert boxes == len(UNSOLVED[slug])
    assert stops >= boxes
