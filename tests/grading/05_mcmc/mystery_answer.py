"""Rivals of `mystery_answer`."""

# %% right: another spectrum's normalisation, other errors
mystery_answer = np.array([[4640, 30], [2.25, 0.06], [-0.36, 0.02], [0.05, 0.03], [0.25, 0.03]])

# %% right: as a list
mystery_answer = [[4605.0, 20.0], [2.19, 0.04], [-0.38, 0.015], [0.02, 0.02], [0.24, 0.02]]

# %% wrong: the formal errors | loses: test_mystery_answer_errors
mystery_answer = np.array(
    [[4621.0, 2.4], [2.221, 0.0066], [-0.370, 0.0019], [0.040, 0.0041], [0.243, 0.0035]]
)

# %% wrong: the variance reported as error | loses: test_mystery_answer_errors
mystery_answer = np.array(
    [[4621.0, 595.0], [2.221, 0.0029], [-0.370, 0.00032], [0.040, 0.0006], [0.243, 0.0006]]
)

# %% wrong: scaled labels | loses: test_mystery_answer test_mystery_answer_errors
mystery_answer = np.array([[-0.59, 0.08], [-0.79, 0.1], [-0.82, 0.07], [0.0, 0.26], [0.44, 0.28]])

# %% wrong: the means of the survey | loses: test_mystery_answer test_mystery_answer_errors
mystery_answer = np.array([[4788, 285], [2.65, 0.54], [-0.17, 0.25], [0.04, 0.10], [0.21, 0.08]])

# %% wrong: the labels of the real mystery star | loses: test_mystery_answer
mystery_answer = np.array(
    [[4463.0, 24.0], [1.98, 0.053], [-0.523, 0.018], [0.230, 0.026], [0.230, 0.024]]
)

# %% wrong: [Mg/H] and [Si/H] instead of [Mg/Fe] and [Si/Fe] | loses: test_mystery_answer
mystery_answer = np.array(
    [[4621.0, 24.0], [2.221, 0.053], [-0.370, 0.018], [-0.330, 0.026], [-0.127, 0.024]]
)

# %% wrong: no errors | loses: test_mystery_answer test_mystery_answer_errors
mystery_answer = np.array([4621.0, 2.221, -0.370, 0.040, 0.243])

# %% right: in float32
mystery_answer = np.array(
    [[4623, 26], [2.23, 0.06], [-0.365, 0.018], [0.026, 0.025], [0.235, 0.023]], np.float32
)

# %% wrong: good errors of nothing | loses: test_mystery_answer test_mystery_answer_errors
mystery_answer = np.array([[0.0, 25], [0, 0.055], [0, 0.018], [0, 0.027], [0, 0.023]])
