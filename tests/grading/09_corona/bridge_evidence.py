"""Rivals of `bridge_evidence`."""

# %% right: all in logarithms
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    from scipy.special import logsumexp

    n1, n2 = len(log_l_posterior), len(log_l_proposal)
    a, b = np.log(n1 / (n1 + n2)), np.log(n2 / (n1 + n2))
    z = np.median(log_l_posterior)
    for _ in range(500):
        top = logsumexp(log_l_proposal - np.logaddexp(a + log_l_proposal, b + z)) - np.log(n2)
        bottom = logsumexp(-np.logaddexp(a + log_l_posterior, b + z)) - np.log(n1)
        z = top - bottom
    return z

# %% right: a root of the ratio
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    from scipy.optimize import brentq
    from scipy.special import expit

    n1, n2 = len(log_l_posterior), len(log_l_proposal)
    m = np.log(n1 / n2)

    # Bennett's acceptance ratio
    def balance(z):
        return expit(m + log_l_proposal - z).sum() - expit(-(m + log_l_posterior - z)).sum()

    middle = np.median(np.concatenate([log_l_posterior, log_l_proposal]))
    return brentq(balance, middle - 60, middle + 60, xtol=1e-8)

# %% wrong: no shift | loses: test_bridge_evidence
# np.median(log_l_posterior) => 0.0

# %% wrong: importance sampling | loses: test_bridge_evidence_tails
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    top = log_l_proposal.max()
    return np.log(np.mean(np.exp(log_l_proposal - top))) + top

# %% wrong: the harmonic mean | loses: test_bridge_evidence_tails
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    low = log_l_posterior.min()
    return low - np.log(np.mean(np.exp(low - log_l_posterior)))

# %% wrong: the mean of the logarithms | loses: test_bridge_evidence test_bridge_evidence_tails
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    return 0.5 * (log_l_posterior.mean() + log_l_proposal.mean())

# %% wrong: base-10 logarithm | loses: test_bridge_evidence test_bridge_evidence_tails
# np.log(new) + shift => (np.log(new) + shift) / np.log(10)

# %% wrong: posterior and proposal exchanged | loses: test_bridge_evidence test_bridge_evidence_tails
# l1, l2 = np.exp => l2, l1 = np.exp

# %% right: the ratio solved by scipy, single precision at the end
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    from scipy.optimize import fixed_point
    from scipy.special import logsumexp

    p, q = np.asarray(log_l_posterior), np.asarray(log_l_proposal)
    s1, s2 = np.log(len(p) / (len(p) + len(q))), np.log(len(q) / (len(p) + len(q)))
    middle = np.median(q)

    def better(z):
        z = z + middle
        top = logsumexp(q - np.logaddexp(s1 + q, s2 + z)) - np.log(len(q))
        return top - logsumexp(-np.logaddexp(s1 + p, s2 + z)) + np.log(len(p)) - middle

    return float(fixed_point(better, 0.0, xtol=1e-9, maxiter=2000) + middle)

# %% wrong: the mean logarithm at the posterior's draws | loses: test_bridge_evidence test_bridge_evidence_tails
def importance_evidence(log_l):
    from scipy.special import logsumexp

    return logsumexp(log_l) - np.log(len(log_l)), float(az.psislw(np.array(log_l))[1])


def bridge_evidence(log_l_posterior, log_l_proposal):
    return float(np.mean(log_l_posterior))

# %% wrong: as many draws of the one as of the other | loses: test_bridge_evidence_tails
# n1, n2 = len(l1), len(l2) => n1, n2 = 1, 1

# %% wrong: one step of the iteration | loses: test_bridge_evidence_tails
# range(1000) => range(1)

# %% wrong: the sum of the ratios | loses: test_bridge_evidence_importance
# np.log(np.mean(np.exp(log_l - highest))) => np.log(np.sum(np.exp(log_l - highest)))

# %% wrong: the mean of the logarithms | loses: test_bridge_evidence_importance
# float(highest + np.log(np.mean(np.exp(log_l - highest)))) => float(np.mean(log_l))

# %% wrong: the tail of the smallest ratios | loses: test_bridge_evidence_importance
# az.psislw(log_l) => az.psislw(-log_l)

# %% wrong: the tail of the ratios' squares | loses: test_bridge_evidence_importance
# az.psislw(log_l) => az.psislw(2 * log_l)

# %% wrong: the weights come back instead of the shape | loses: test_bridge_evidence_importance
# _, k = az.psislw(log_l) => k, _ = az.psislw(log_l)
# float(k) => k
