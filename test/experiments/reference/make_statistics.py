"""Makes statistics.json: reference values of SciPy and statsmodels.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 statsmodels==0.15.0
    venv/bin/python test/experiments/reference/make_statistics.py > test/experiments/reference/statistics.json
"""
import json
import random
import numpy as np
import scipy
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import brentq
import statsmodels
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

random.seed(5)
rng = np.random.default_rng(5)
out = {"versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__}}
out["normalCdf"] = [[x, stats.norm.cdf(x)] for x in [-9, -6.5, -5.9, -3, -1.96, -0.3, 0, 0.4, 1, 2.5, 5.5, 8]]
out["studentQuantile"] = [[p, d, stats.t.ppf(p, d)] for p in [0.6, 0.9, 0.975, 0.995, 0.9995] for d in [1, 2, 3, 4, 7, 19, 60, 400, 5000]]
out["wilson"] = []
for n in [2, 3, 5, 8, 10, 20, 50, 333, 2000]:
    for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        ci = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
        out["wilson"].append([k, n, ci.low, ci.high])
out["t"] = []
for n in [2, 3, 4, 6, 12, 30, 200]:
    values = [round(v, 4) for v in rng.beta(4, 1.5, n)]
    ci = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    out["t"].append([values, ci.low, ci.high])
out["paired"] = []
for n in [3, 5, 8, 11, 14]:
    values = [round(v, 3) for v in rng.normal(0.15, 0.4, n)]
    p = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf).pvalue
    out["paired"].append([values, float(p)])
for ups, downs in [(9, 1), (30, 14), (60, 40), (400, 330), (1, 0)]:
    out["paired"].append([[1] * ups + [-1] * downs + [0] * 7, stats.binomtest(ups, ups + downs).pvalue])
out["holm"] = []
for m in [1, 2, 3, 5, 8]:
    ps = [round(random.random() ** 3, 4) for _ in range(m)]
    out["holm"].append([ps, list(multipletests(ps, method="holm")[1])])


def power_of(effect, n, alpha):
    """Power of the two-sided t test, integrated by QUADPACK: SciPy's noncentral t has no value for large effects in tiny sets."""
    degrees, critical, shift = n - 1, stats.t.ppf(1 - alpha / 2, n - 1), effect * np.sqrt(n)

    def given(v):
        spread = v / np.sqrt(degrees)
        return stats.chi.pdf(v, degrees) * (stats.norm.cdf(shift - critical * spread) + stats.norm.cdf(-critical * spread - shift))

    centre, width = np.sqrt(degrees), 9
    return quad(given, max(0, centre - width), centre + width, points=[centre], limit=400, epsabs=1e-12)[0]


out["detectableEffect"] = [
    [n, alpha, power, brentq(lambda e: power_of(e, n, alpha) - power, 1e-6, 100 / np.sqrt(n), xtol=1e-12)]
    for n in [3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100, 500, 1999]
    for alpha, power in [(0.05, 0.8), (0.01, 0.9), (0.05 / 3, 0.8)]
]
for n, alpha, power, effect in out["detectableEffect"]:
    if n >= 8:
        assert abs(TTestPower().power(effect, n, alpha) - power) < 1e-6


def hall_bound(values, quantile):
    """The mean whose transformed distance is at the quantile, found by bisection, not by the inverse."""
    v = np.array(values)
    n, s, g = len(v), v.std(ddof=1), stats.skew(v)

    def distance(mean):
        w = (v.mean() - mean) / s
        return np.sqrt(n) * (w + g * w**2 / 3 + g**2 * w**3 / 27 + g / (6 * n)) - quantile

    return brentq(distance, v.mean() - 1000 * s, v.mean() + 1000 * s, xtol=1e-14, rtol=1e-14)


out["hall"] = []
for n, draw in [(5, rng.exponential), (6, rng.exponential), (8, rng.standard_normal), (12, lambda n: rng.beta(5, 0.5, n)), (40, rng.lognormal), (300, rng.exponential)]:
    values = [round(float(v), 4) for v in (draw(size=n) if draw in (rng.exponential, rng.lognormal) else draw(n))]
    q = stats.t.ppf(0.975, n - 1)
    out["hall"].append([values, hall_bound(values, q), hall_bound(values, -q)])
print(json.dumps(out, indent=0, default=float))
