# Distribution functions, quantiles and conditionals of normal mixtures to 50 digits: tests/testthat/fixtures/density.csv.
# Run from the root of the package: python3 data-raw/density-reference.py (needs mpmath). Parameters are doubles, as R reads them.
from mpmath import mp, mpf, erfc, sqrt, log, log1p, exp, pi

mp.dps = 60
cases = {
    "apart": ([0.3, 0.7], [0.0, 1e6], [1.0, 1.0]),
    "rare": ([1e-9, 1 - 1e-9], [50.0, 0.0], [1.0, 1.0]),
    "small": ([0.4, 0.6], [1.0, 1.000000003], [1e-9, 2e-9]),
    "mixed": ([0.2, 0.3, 0.5], [-3.0, 0.1, 1e5], [0.01, 5.0, 1e3]),
    "far": ([0.25, 0.75], [1e8, 100000003.0], [1.0, 0.1]),
}
probs = [1e-300, 1e-20, 1e-9, 0.01, 0.1, 0.25, 0.6, 0.75, 0.99, 1 - 1e-9, 1 - 1e-15]


def normal(z):
    return erfc(-z / sqrt(mpf(2))) / 2


def tail(case, x, lower):
    w, m, s = ([mpf(v) for v in part] for part in cases[case])
    sign = 1 if lower else -1
    return sum(a * normal(sign * (x - b) / c) for a, b, c in zip(w, m, s))


def quantile(case, p):
    lower = p <= 0.5
    target = mpf(p) if lower else 1 - mpf(p)
    span = max(abs(mpf(b)) + 60 * mpf(c) for b, c in zip(*cases[case][1:]))
    a, b = -span, span
    for _ in range(230):
        c = (a + b) / 2
        less = tail(case, c, lower) < target
        if less == lower:
            a = c
        else:
            b = c
    return (a + b) / 2


rows = ["case,what,at,lower,log,value"]
show = lambda x: mp.nstr(x, 25, min_fixed=1, max_fixed=0)
for case, (w, m, s) in cases.items():
    for b, c in zip(m, s):
        for z in (-30, -5, -1, 0.5, 6, 20):
            x = b + z * c
            for lower in (True, False):
                value = tail(case, mpf(x), lower)
                if value > mpf(10) ** -300:
                    rows.append(f"{case},cdf,{x!r},{lower},False,{show(value)}".replace("True", "TRUE").replace("False", "FALSE"))
                other = tail(case, mpf(x), not lower)
                value = log(value) if value < 0.5 else log1p(-other)
                rows.append(f"{case},cdf,{x!r},{lower},True,{show(value)}".replace("True", "TRUE").replace("False", "FALSE"))
    for p in probs:
        rows.append(f"{case},quantile,{p!r},TRUE,FALSE,{show(quantile(case, p))}")

# Two columns: proportions .6 and .4, means (0, 0) and (3, 5), covariances below; y given x, near and far out.
w = [mpf(0.6), mpf(0.4)]
m = [(mpf(0), mpf(0)), (mpf(3), mpf(5))]
S = [(mpf(1), mpf(0.5), mpf(2)), (mpf(4), mpf(-3), mpf(9))]  # xx, xy, yy
for x in (1.5, -4.0, 40.0, -1e4):
    x_ = mpf(x)
    logs = [log(a) - (x_ - b[0]) ** 2 / s[0] / 2 - log(2 * pi * s[0]) / 2 for a, b, s in zip(w, m, S)]
    top = max(logs)
    r = [exp(v - top) for v in logs]
    r = [v / sum(r) for v in r]
    mean = [b[1] + s[1] / s[0] * (x_ - b[0]) for b, s in zip(m, S)]
    var = [s[2] - s[1] ** 2 / s[0] for s in S]
    mu = sum(a * b for a, b in zip(r, mean))
    sd = sqrt(sum(a * (v + (b - mu) ** 2) for a, b, v in zip(r, mean, var)))
    rows.append(f"given,share,{x!r},TRUE,TRUE,{show(logs[0] - top - log(sum(exp(v - top) for v in logs)))}")
    rows.append(f"given,mean,{x!r},TRUE,FALSE,{show(mu)}")
    rows.append(f"given,sd,{x!r},TRUE,FALSE,{show(sd)}")
open("tests/testthat/fixtures/density.csv", "w").write("\n".join(rows) + "\n")
