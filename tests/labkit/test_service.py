"""The web service: it keeps to its own OpenAPI page, and says clearly what it cannot answer."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from helpers import corona
from labkit import cli
from labkit.errors import ServiceError
from labkit.service import app as service
from labkit.service import limits, product

pytestmark = [
    pytest.mark.slow,
    # its client is to be replaced by one that the kit does not need
    pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`"),
]

SKY = corona.simulated_spectra(6, seed=92)


def spectrum(i=0, **changed):
    return {
        "wavelength": SKY.wavelength.tolist(),
        "flux": SKY.flux[i].tolist(),
        "error": SKY.error[i].tolist(),
    } | changed


@pytest.fixture(scope="module")
def made(small_product):
    return product.read(small_product[0])


@pytest.fixture(scope="module")
def application(made):
    return service.create_app(made)


@pytest.fixture(scope="module")
def client(application):
    with TestClient(application, raise_server_exceptions=False) as client:
        yield client


def refusal(answer, status):
    """Check the form of a refusal; return its errors."""
    assert answer.status_code == status, answer.text
    errors = answer.json()["errors"]
    assert all(set(error) == {"where", "problem", "advice"} for error in errors)
    assert all(len(text) > 3 for error in errors for text in error.values())
    return errors


# --- against its own description ----------------------------------------------------------------


@st.composite
def spectra_of_any_kind(draw):
    """Spectra that the description allows: any scale, noise, continuum, absorption, bad pixels."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    scale = 10.0 ** draw(st.integers(-18, 18))
    lines = SKY.flux[draw(st.integers(0, len(SKY) - 1))].astype(float)
    lines *= draw(st.sampled_from([0.0, 1.0, 1.0, -0.5]))
    noise = draw(st.sampled_from([1e-3, 0.1, 3.0])) * np.abs(rng.standard_normal(lines.size))
    flux = lines + noise + draw(st.sampled_from([0.0, 10.0]))
    error = np.abs(flux) / draw(st.sampled_from([1e-3, 1.0, 30.0, 9e3])) + 1e-4
    if draw(st.booleans()):
        bad = rng.choice(flux.size, 300, replace=False)
        flux[bad], error[bad] = 0.0, 1e9
    return spectrum(flux=(scale * flux).tolist(), error=(scale * error).tolist())


def check_against_description(application, mode, examples):
    schema = schemathesis.openapi.from_asgi("/openapi.json", application)
    bodies = {
        "/v1/corona": spectra_of_any_kind(),
        "/v1/coronae": st.lists(spectra_of_any_kind(), min_size=1, max_size=2).map(
            lambda spectra: {"spectra": spectra}
        ),
    }
    asked = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode == GenerationMode.NEGATIVE and operation.path not in bodies:
            continue
        cases = operation.as_strategy(mode)
        if mode == GenerationMode.POSITIVE and operation.path in bodies:
            # a thousand pixels in their places are more than schemathesis can guess
            cases = bodies[operation.path].map(
                lambda body, operation=operation: operation.Case(
                    body=body, media_type="application/json"
                )
            )

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(cases)
        def check(case):
            answer = case.call_and_validate()
            if mode == GenerationMode.POSITIVE:
                assert answer.status_code == 200

        check()
        asked.append(operation.path)
    return asked


def test_right_requests_are_answered_as_described(application):
    asked = check_against_description(application, GenerationMode.POSITIVE, 15)
    assert set(asked) == {"/health", "/v1/corona", "/v1/coronae"}


def test_wrong_requests_are_refused_as_described(application):
    asked = check_against_description(application, GenerationMode.NEGATIVE, 10)
    assert set(asked) == {"/v1/corona", "/v1/coronae"}


# --- what it answers ----------------------------------------------------------------------------


def test_batch_answers_what_single_requests_answer(client):
    singles = [client.post("/v1/corona", json=spectrum(i)).json() for i in range(len(SKY))]
    body = {"spectra": [spectrum(i) for i in range(len(SKY))]}
    assert client.post("/v1/coronae", json=body).json() == {"coronae": singles}


def test_answer_holds_numbers_lines_and_alarm(client, made):
    answers = [client.post("/v1/corona", json=spectrum(i)).json() for i in range(len(SKY))]
    for answer in answers:
        low, high = answer["log_temperature"]["interval_95"]
        assert 6 <= low < answer["log_temperature"]["mean"] < high <= 7
        assert [line["wavelength"] for line in answer["lines"]] == made.line_wavelength.tolist()
        untrusted = answer["pareto_k"] is None or answer["pareto_k"] > 0.7
        assert answer["reliable"] is not untrusted
        assert bool(answer["warnings"]) is untrusted
    assert any(line["ion"] == "Fe XIII" for line in answers[0]["lines"])


def test_answer_that_cannot_be_trusted_has_a_warning(client):
    # the errors are a fifth of what they should be: no model describes this spectrum
    answer = client.post("/v1/corona", json=spectrum(error=(SKY.error[0] / 5).tolist())).json()
    assert answer["reliable"] is False
    assert "the model does not describe this spectrum. Look for" in answer["warnings"][-1]


def test_alarm_of_the_weights_becomes_a_warning(application, client, monkeypatch):
    monkeypatch.setattr(service, "GREATEST_K", -10.0)
    answer = client.post("/v1/corona", json=spectrum()).json()
    assert answer["reliable"] is False
    assert "Sample this spectrum with a chain" in answer["warnings"][0]


def test_health_tells_the_limits(client):
    told = client.get("/health").json()
    assert told["status"] == "ok"
    assert (told["in_work"], told["most_in_work"]) == (0, limits.WAITING)
    assert (told["largest_batch"], told["largest_body"]) == (limits.BATCH, limits.BODY_BYTES)


def test_page_for_people_is_there(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "/openapi.json" in page.text


# --- what it refuses ----------------------------------------------------------------------------


def pixels(value, i=17):
    """A spectrum's column with one value replaced."""
    column = SKY.error[0].tolist()
    column[i] = value
    return column


@pytest.mark.parametrize(
    ("body", "where", "problem", "advice"),
    [
        ({}, "wavelength", "it is missing", '"flux"'),
        ([], "body", "not the right form", "One spectrum is"),
        (spectrum(fluxx=[]), "fluxx", "no such field", "correct its name"),
        (spectrum(flux="bright"), "flux", "bright is not a list", '"flux"'),
        (spectrum(flux=[1.0, 2.0]), "flux", "must hold 1000 numbers", "167 + 0.125 i"),
        (spectrum(flux=[1.0] * 1001), "flux", "must hold 1000 numbers", "167 + 0.125 i"),
        (spectrum(error=pixels(None)), "error[17]", "None is not a number", "bad pixel"),
        (spectrum(error=pixels("1.0")), "error[17]", "1.0 is not a number", "bad pixel"),
        (spectrum(error=pixels(True)), "error[17]", "True is not a number", "bad pixel"),
        (spectrum(error=pixels(float("nan"))), "error[17]", "nan is not finite", "bad pixel"),
        (spectrum(error=pixels(0)), "error[17]", "0 is below 1e-30", "Errors are above 0"),
        (spectrum(error=pixels(-0.5)), "error[17]", "-0.5 is below", "Errors are above 0"),
        (spectrum(flux=pixels(1e40)), "flux[17]", "1e+40 is above 1e+30", "unit"),
        (spectrum(flux=pixels(10**400)), "flux[17]", "", ""),
        (spectrum(error=pixels(1e-9)), "body", "pixel 17 is", "the same unit"),
        (spectrum(flux=[-1.0] * 1000), "body", "flux above 0", "Check the sign"),
        (
            spectrum(wavelength=(SKY.wavelength + 0.05).tolist()),
            "wavelength",
            "is at 167.05 Å instead of 167 Å",
            "Interpolate",
        ),
    ],
)
def test_wrong_spectra_are_refused_in_words(client, body, where, problem, advice):
    answer = client.post(
        "/v1/corona",
        content=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    (error, *_) = refusal(answer, 422)
    assert error["where"] == where
    assert problem in error["problem"]
    assert advice in error["advice"]


def test_wrong_spectrum_of_a_batch_is_named(client):
    body = {"spectra": [spectrum(), spectrum(error=pixels(-1.0))]}
    (error,) = refusal(client.post("/v1/coronae", json=body), 422)
    assert error["where"] == "spectra[1].error[17]"


def test_too_many_spectra_are_refused(client):
    small = {"wavelength": [], "flux": [], "error": []}
    body = {"spectra": [small] * (limits.BATCH + 1)}
    (error,) = refusal(client.post("/v1/coronae", json=body), 422)
    assert error["problem"] == f"it must hold 1 to {limits.BATCH} spectra"


@pytest.mark.parametrize("told", [True, False])
def test_too_large_bodies_are_refused(client, told):
    """With and without a header that tells the size."""
    part = b" " * 1_000_000
    many = 1 + limits.BODY_BYTES // len(part)
    content = part * many if told else (part for _ in range(many))
    answer = client.post(
        "/v1/coronae", content=content, headers={"Content-Type": "application/json"}
    )
    (error,) = refusal(answer, 413)
    assert f"more than {limits.BODY_BYTES} bytes" in error["problem"]


def test_whole_batch_fits_into_a_body():
    """Numbers with all their digits take most room."""
    digits = spectrum(flux=[-1.2345678901234567e-15] * 1000, error=[1.2345678901234567e-15] * 1000)
    assert len(json.dumps({"spectra": [digits] * limits.BATCH})) < limits.BODY_BYTES


@pytest.mark.parametrize(
    ("content", "status", "problem"),
    [
        (b"{", 422, "it is not JSON"),
        (b"", 422, "it is missing"),
        (b"\xff\xfe\x00", 400, "it cannot be read as JSON"),
        (b"[" * 100_000, 400, "it cannot be read as JSON"),
        (b"9" * 5000, 400, "it cannot be read as JSON"),
        (b'{"\\ud800": 1}', 422, ""),
    ],
)
def test_bodies_that_are_no_json_are_refused(client, content, status, problem):
    headers = {"Content-Type": "application/json"}
    errors = refusal(client.post("/v1/corona", content=content, headers=headers), status)
    assert problem in errors[0]["problem"]


def test_body_without_its_type_is_refused(client):
    answer = client.post("/v1/corona", content=json.dumps(spectrum()))
    (error,) = refusal(answer, 422)
    assert error["advice"] == "Add the header Content-Type: application/json."


def test_unknown_addresses_and_methods_are_refused(client):
    refusal(client.get("/v1/planet"), 404)
    answer = client.get("/v1/corona")
    refusal(answer, 405)
    assert answer.headers["Allow"] == "POST"


def test_failure_of_the_service_is_told(made, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(service, "line_probabilities", broken)
    with TestClient(service.create_app(made), raise_server_exceptions=False) as client:
        (error,) = refusal(client.post("/v1/corona", json=spectrum()), 500)
        assert error["where"] == "service"
        assert client.get("/health").json()["in_work"] == 0


def test_requests_beyond_the_limit_are_told_when_to_come_again(made, monkeypatch):
    go_on, sees = threading.Event(), service.line_probabilities

    def slow(*arguments):
        go_on.wait(60)
        return sees(*arguments)

    monkeypatch.setattr(service, "line_probabilities", slow)
    body = {"spectra": [spectrum()] * limits.BATCH}
    answers = []
    with TestClient(service.create_app(made, waiting=limits.BATCH)) as client:
        first = threading.Thread(
            target=lambda: answers.append(client.post("/v1/coronae", json=body))
        )
        first.start()
        while client.get("/health").json()["in_work"] < limits.BATCH:
            time.sleep(0.01)
        refused = client.post("/v1/corona", json=spectrum())
        go_on.set()
        first.join()
        after = client.post("/v1/corona", json=spectrum())
    (error,) = refusal(refused, 503)
    assert refused.headers["Retry-After"] == "2"
    assert "again in 2 s" in error["advice"]
    assert answers[0].status_code == after.status_code == 200


# --- how it is started --------------------------------------------------------------------------


def test_product_that_is_missing_is_named_with_its_lab(tmp_path, capsys):
    path = tmp_path / "none.npz"
    assert cli.main(["serve", "corona", "--product", str(path)]) == 1
    said = capsys.readouterr().err
    assert f"there is no {path}" in said
    assert "labkit walkthrough 09_corona" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a.pop("modes"), "it has no array 'modes'"),
        (lambda a: a.update({"modes": a["modes"][:, :70]}), "'modes' has the shape"),
        (lambda a: a.update({"fwhm": np.array(np.nan)}), "'fwhm' holds what is not a number"),
        (lambda a: a.update({"wavelength": a["wavelength"] + 1}), "its pixels are not"),
        (lambda a: a.update({"network_8.bias": np.ones(3)}), "know the layer 'network_8.bias'"),
        (lambda a: a.update({"ln_model": a["ln_model"].astype(str)}), "is an array of <U"),
    ],
)
def test_product_of_another_form_is_refused(small_product, tmp_path, change, said):
    with np.load(small_product[0]) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(ServiceError, match="labkit walkthrough 09_corona") as refused:
        product.read(tmp_path / "changed.npz")
    assert said in str(refused.value)


def test_pickles_are_never_loaded(small_product, tmp_path):
    with np.load(small_product[0]) as file:
        arrays = dict(file)
    arrays["fwhm"] = np.array([print, 0.3], dtype=object)
    np.savez(tmp_path / "pickled.npz", **arrays)
    with pytest.raises(ServiceError, match="is not a file of numpy's plain arrays"):
        product.read(tmp_path / "pickled.npz")
    (tmp_path / "text.npz").write_text("not a product")
    np.save(tmp_path / "one.npy", np.ones(3))
    for other in ("text.npz", "one.npy"):
        with pytest.raises(ServiceError, match="is not a file of numpy's plain arrays"):
            product.read(tmp_path / other)
    with pytest.raises(ServiceError, match="cannot be read"):
        product.read(tmp_path)


@pytest.mark.parametrize(("threads", "waiting"), [(0, 100), (2, limits.BATCH - 1)])
def test_limits_that_serve_nobody_are_refused(threads, waiting):
    with pytest.raises(ServiceError, match=r"Give \d+ or more"):
        limits.Gate(threads, waiting)


def test_port_that_is_taken_is_named(application):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=f"port {port} .*--port"):
            service.serve(application, "127.0.0.1", port, print)


def test_help_loads_no_web_framework():
    code = "import sys; from labkit.cli import main\ntry: main(['serve', 'corona', '--help'])\n"
    code += "except SystemExit: print({'fastapi', 'numpy', 'arviz'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert said.splitlines()[-1] == "set()"


def test_help_tells_address_and_limits(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["serve", "corona", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for told in ("127.0.0.1", "8009", f"{limits.BATCH} spectra", f"{limits.BODY_BYTES} bytes"):
        assert told in said


def test_command_answers_until_it_is_stopped(small_product):
    line = [sys.executable, "-m", "labkit.cli", "serve", "corona", "--port", "0"]
    line += ["--product", str(small_product[0])]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[1].rstrip(",")
        answer = httpx.post(f"{address}/v1/corona", json=spectrum(), timeout=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert answer.status_code == 200
    assert 6 < answer.json()["log_temperature"]["mean"] < 7
