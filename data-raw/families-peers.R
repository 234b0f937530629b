# Makes the fixtures of counts and categories in tests/testthat/fixtures from other programs. Run in the root of the
# package, with poLCA 1.6 (GPL; latent classes), flexmix 2.3 (Bernoulli and Poisson mixtures) and MASS installed.
#
#   lca_carcinoma.csv, lca_cheating.csv   the cells of two published tables (Agresti 2002, table 13.1; Dayton 1998,
#                                         table 3.4), n being how many rows are alike; the two others are
#                                         `role_conflict` and `interview`
#   peers_lca.csv          table, k, and what poLCA says of the best of its starts: loglik, npar, bic, gsq (G2), chisq
#                          (X2), df; best is the highest log-likelihood of 20 starts of the plain-R oracle
#   peers_lca_errors.csv   standard errors of poLCA (outer products), class by class in increasing order of proportion
#   peers_flexmix.csv      data, k, log-likelihood and parameters of flexmix, in increasing order of the first
source("tests/testthat/helper-reference-families.R")
fixture <- function(x, name) {
  utils::write.csv(x, file.path("tests/testthat/fixtures", name), row.names = FALSE, quote = FALSE)
}
load("data/role_conflict.rda")
load("data/interview.rda")
utils::data("carcinoma", "cheating", package = "poLCA")
cheating <- cheating[1:4]

tallied <- function(x) {
  out <- stats::aggregate(n ~ ., cbind(as.data.frame(lapply(x, factor)), n = 1), sum)
  list(items = out[names(x)], n = out$n)
}
tables <- lapply(list(role_conflict = role_conflict, interview = interview, carcinoma = carcinoma,
                      cheating = cheating), tallied)
for (name in c("carcinoma", "cheating")) {
  fixture(cbind(tables[[name]]$items, n = tables[[name]]$n), sprintf("lca_%s.csv", name))
}

# ---- poLCA ----

codes <- function(table) as.data.frame(lapply(table$items, as.integer))[rep(seq_along(table$n), table$n), ]
polca <- function(table, k) {
  formula <- stats::as.formula(sprintf("cbind(%s) ~ 1", paste(names(table$items), collapse = ", ")))
  poLCA::poLCA(formula, codes(table), nclass = k, nrep = 5, maxiter = 5000, tol = 1e-11, verbose = FALSE)
}
best_of <- function(table, k) {
  blocks <- list(reference_block("categorical", table$items))
  best <- reference_blocks_best(blocks, k, 20, table$n, 150, 1e-6)
  reference_blocks_em(blocks, best$parameters, table$n, 3000, 1e-10)$loglik
}
set.seed(1)
asked <- data.frame(table = c("role_conflict", "role_conflict", "interview", "interview", "carcinoma", "carcinoma",
                              "cheating"), k = c(1, 2, 2, 3, 2, 3, 2))
fits <- Map(function(name, k) polca(tables[[name]], k), asked$table, asked$k)
number <- function(what) vapply(fits, function(fit) as.numeric(fit[[what]]), 0)
best <- mapply(function(name, k) best_of(tables[[name]], k), asked$table, asked$k)
fixture(cbind(asked, loglik = sprintf("%.8f", number("llik")), npar = number("npar"),
              bic = sprintf("%.8f", number("bic")), gsq = sprintf("%.8f", number("Gsq")),
              chisq = sprintf("%.8f", number("Chisq")), df = number("resid.df"), best = sprintf("%.6f", best)),
        "peers_lca.csv")

errors_of <- function(name, k) {
  fit <- fits[[which(asked$table == name & asked$k == k)]]
  order <- order(fit$P)
  one <- function(item) {
    data.frame(table = name, k = k, item = item, class = rep(seq_len(k), ncol(fit$probs[[item]])),
               level = rep(seq_len(ncol(fit$probs[[item]])), each = k),
               prob = sprintf("%.8f", fit$probs[[item]][order, ]),
               error = sprintf("%.8f", fit$probs.se[[item]][order, ]))
  }
  do.call(rbind, lapply(names(fit$probs), one))
}
fixture(rbind(errors_of("role_conflict", 2), errors_of("interview", 2), errors_of("cheating", 2)),
        "peers_lca_errors.csv")

# ---- flexmix ----

# The best of some starts; flexmix leaves out the multinomial constant of none of these.
flexmix_best <- function(formula, data, k, model) {
  control <- list(tolerance = 1e-14, iter.max = 5000, minprior = 0)
  runs <- lapply(1:10, function(i) {
    try(flexmix::flexmix(formula, data = data, k = k, model = model, control = control), silent = TRUE)
  })
  runs <- runs[!vapply(runs, inherits, NA, "try-error")]
  runs[[which.max(vapply(runs, function(run) run@logLik, 0))]]
}
row_of <- function(data, k, fit, values) {
  order <- order(values[1, ])
  data.frame(data = data, k = k, loglik = sprintf("%.8f", fit@logLik), component = seq_len(k),
             proportion = sprintf("%.8f", flexmix::prior(fit)[order]),
             parameters = apply(values[, order, drop = FALSE], 2, function(v) paste(sprintf("%.8f", v), collapse = " ")))
}
votes <- data.matrix(codes(tables$cheating)) - 1
bernoulli <- flexmix_best(votes ~ 1, NULL, 2, flexmix::FLXMCmvbinary())
claims <- MASS::Insurance
rates <- flexmix_best(Claims ~ 1, claims, 2, flexmix::FLXMRglm(family = "poisson", offset = log(claims$Holders)))
ships <- MASS::ships[MASS::ships$service > 0, ]
damage <- flexmix_best(incidents ~ 1, ships, 3, flexmix::FLXMRglm(family = "poisson", offset = log(ships$service)))
plain <- flexmix_best(Claims ~ 1, claims, 3, flexmix::FLXMCmvpois())
coefficients <- function(fit) exp(rbind(flexmix::parameters(fit)))
fixture(rbind(row_of("cheating", 2, bernoulli, flexmix::parameters(bernoulli)),
              row_of("Insurance", 2, rates, coefficients(rates)), row_of("ships", 3, damage, coefficients(damage)),
              row_of("Claims", 3, plain, rbind(flexmix::parameters(plain)))), "peers_flexmix.csv")
