#' Is this fit to be trusted?
#'
#' Looks at what a fit knows of itself and says, a sentence for each check, whether it ended well, what is
#' doubtful, and what to do about it. Nothing is fitted anew.
#'
#' The checks, each with the number that `value` holds:
#' \describe{
#'   \item{convergence}{Log-likelihood still to be gained, as estimated at the end.}
#'   \item{ascent}{The smallest change of the log-likelihood from one iteration to the next; EM never falls.}
#'   \item{starts}{How many starts reached the best log-likelihood, within 0.001. The explanation also counts the
#'     lower optima where others ended.}
#'   \item{symmetry}{The smallest distance between two components at the start. Where it is 0 they are
#'     exchangeable, and EM can never separate them.}
#'   \item{size}{Expected rows of the smallest component. Gaussian components with a covariance of their own need d
#'     + 1 rows (d columns), and less than 1 % of all rows is worth a look.}
#'   \item{distance}{The smallest distance between two components (Bhattacharyya, the same in other units and
#'     coordinates): 0 where they coincide; below 0.00125, that of two normal densities a tenth of a standard
#'     deviation apart, they are taken for one, which [em_fit()] warns of; below 0.1 they share nine tenths of their
#'     mass; above 3, hardly anything.}
#'   \item{collapse}{The smallest spread of a component in any direction, relative to the data's; 0 where its own
#'     rows have none there but rounding, so that the likelihood is unbounded (Hathaway 1985). Binomial components
#'     can't collapse.}
#'   \item{support}{The largest loss of a component by rows that are left out, per parameter: see *Few rows* in
#'     [em_fit()]. Above 2 a small component leans on few rows, and a large one fits badly. `NA` where it isn't asked for:
#'     families that know no such maxima, priors, missing cells, more than 10000 rows.}
#'   \item{units}{The largest standard deviation of a column over the smallest. Structures that compare columns
#'     with each other (EII, VII, EVE, VVE, EEV, VEV) depend on the units.}
#'   \item{digits}{Decimal digits left of the data's spread beside their distance from 0, of nearly 16.}
#'   \item{identifiability}{Rows, or for counts trials, to spare: (sum of weights) / (free parameters) for Gaussian
#'     components, (most trials of a row) / (2 k - 1) for binomial ones, where less than 1 leaves several answers
#'     equally likely.}
#'   \item{missing}{Share of the cells that are missing.}
#'   \item{weights}{Effective number of rows, (sum of weights)^2 / (sum of their squares).}
#'   \item{limit}{Only where it is so: the largest parameter that grows without end, because the data ask for no more than a
#'     family that is the limit (of t components the normal, of negative binomial ones the Poisson distribution).}
#' }
#'
#' @param fit A fit by [em_fit()].
#' @param x A diagnosis.
#' @param all Also show what is in order?
#' @param width Columns of text.
#' @param row.names,optional Ignored; they belong to the generic.
#' @param ... What R's own callers add, such as `digits` in a list; any other is an error.
#' @return A data frame of class `em_diagnosis` with a row for each check, the gravest first: `check`, `status` (a
#'   factor: `"problem"`, `"note"`, `"ok"`), `value`, `explanation`, and `remedy`, a call to paste, or `NA`.
#'   `format()` gives the lines that `print()` shows; `as.data.frame()` and `tidy()` the plain table.
#' @section Errors: `emfit_error_argument` where `fit` is no fit.
#' @references McLachlan, G. J. and Peel, D. (2000) *Finite Mixture Models*. Wiley. \doi{10.1002/0471721182}
#'
#'   Kailath, T. (1967) The divergence and Bhattacharyya distance measures in signal selection. *IEEE Transactions on
#'   Communication Technology* 15, 52-60. \doi{10.1109/TCOM.1967.1089532}
#'
#'   Hathaway, R. J. (1985) A constrained formulation of maximum-likelihood estimation for normal mixture
#'   distributions. *Annals of Statistics* 13, 795-800. \doi{10.1214/aos/1176349557}
#' @seealso `vignette("trouble")`, [em_fit()]
#' @examples
#' fit <- em_fit(faithful, k = 3, start = "random", control = em_control(n_start = 2, max_iter = 20))
#' em_diagnose(fit)
#' subset(em_diagnose(fit), check == "distance")$value
#' @export
em_diagnose <- function(fit) {
  check_fit(fit, "em_diagnose()")
  refuse_sample(fit, "em_diagnose()")
  name <- name_for_remedies(substitute(fit))
  checks <- list(diagnose_convergence, diagnose_ascent, diagnose_starts, diagnose_symmetry, diagnose_size,
                 diagnose_distance, diagnose_collapse, diagnose_support, diagnose_units, diagnose_digits, diagnose_identifiability,
                 diagnose_missing, diagnose_weights, diagnose_limits)
  found <- lapply(checks, function(check) check(fit, name))
  found <- found[lengths(found) > 0L]
  pick <- function(column, kind) vapply(found, `[[`, kind, column)
  out <- data.frame(check = pick("check", ""), status = factor(pick("status", ""), c("problem", "note", "ok")),
                    value = pick("value", 0), explanation = pick("explanation", ""), remedy = pick("remedy", ""))
  out <- out[order(out$status, method = "radix"), ]
  rownames(out) <- NULL
  structure(out, class = c("em_diagnosis", "data.frame"), title = format_title(fit)[1L])
}

# What a check found; `remedy` is a call, with the name that the user has for the fit in the place of FIT.
finding <- function(check, status, value, explanation, remedy = NULL, name = "fit") {
  remedy <- if (is.null(remedy)) NA_character_ else gsub("FIT", name, remedy, fixed = TRUE)
  list(check = check, status = status, value = as.double(value), explanation = paste(explanation, collapse = " "),
       remedy = remedy)
}

diagnose_convergence <- function(fit, name) {
  say <- function(status, ..., remedy = NULL) {
    finding("convergence", status, fit$remaining, sprintf(...), remedy, name)
  }
  if (is_assigned(fit)) return(do.call(say, diagnose_assigned(fit)))
  if (fit$status == "converged") {
    return(say("ok", "The run ended at a maximum: what is left to gain is below tol, %s.", number(fit$control$tol)))
  }
  if (fit$status != "max_iter") {
    return(say("problem", "The run broke off after %s: %s.", plural(fit$iterations, "iteration"),
               gsub("_", " ", fit$status)))
  }
  asked <- fit$control$tol == 0 || fit$control$max_iter == 0L
  say(if (asked) "note" else "problem",
      "The run stopped after %s%s, the last of which gained %s: this is no maximum yet.",
      plural(fit$iterations, "iteration"), if (asked) ", as was asked" else "", number(fit$gain),
      remedy = sprintf("update(FIT, start = FIT, control = em_control(max_iter = %d))",
                       max(1000L, 10L * fit$iterations)))
}

diagnose_ascent <- function(fit, name) {
  gains <- diff(fit$trace$loglik)[-1L] # the first M-step may leave a start that lay outside its structure
  least <- min(gains, Inf)
  if (fit$status != "not_monotone") {
    return(finding("ascent", "ok", if (is.finite(least)) least else NA, describe_ascent(fit)))
  }
  trouble <- scale_trouble(fit)
  finding("ascent", "problem", least,
          c(sprintf("The log-likelihood fell by %s, which EM can't do:", number(-least)),
            if (length(trouble)) c("rounding is to blame.", trouble) else "covariances are nearly singular."),
          if (length(trouble)) rescaled(fit) else simpler_update(fit), name)
}

diagnose_starts <- function(fit, name) {
  n <- nrow(fit$starts)
  agree <- starts_agreeing(fit)
  say <- function(status, explanation, remedy = NULL) finding("starts", status, agree, explanation, remedy, name)
  if (latent_draws(fit$latent, fit$k, 2L) == 1L) {
    return(say("ok", "One component has one maximum, and every start finds it."))
  }
  if (n == 1L) {
    return(say("note", "There was one start, so nothing is known of other maxima, which may be higher.",
               sprintf("update(FIT, k = %d, start = NULL)", fit$k)))
  }
  if (length(fit$degenerate)) {
    return(say("note", sprintf("None of %d starts led to a sound fit with %s.", n, plural(fit$k, "component")),
               "update(FIT, start = NULL, control = em_control(n_start = 50))"))
  }
  others <- describe_optima(fit)
  described <- sprintf("%d of %d starts reached this log-likelihood", agree, n)
  if (agree > 1L && is.null(describe_disagreement(fit))) return(say("ok", c(paste0(described, "."), others)))
  say("note", c(sprintf("Only %s: there may be a higher one.", described), others),
      "update(FIT, control = em_control(n_start = 50))")
}

# Where the other starts ended that ended well.
describe_optima <- function(fit) {
  ended <- fit$starts$loglik[fit$starts$status == "converged" & !fit$starts$degenerate]
  lower <- sort(ended[ended < fit$objective - 1e-3], decreasing = TRUE)
  if (!length(lower)) return(NULL)
  distinct <- 1L + sum(diff(lower) < -1e-3)
  sprintf("%s lower, %s; the nearest by %s.",
          if (length(lower) == 1L) "One ended" else sprintf("%d ended", length(lower)),
          if (distinct == 1L) "at one other maximum" else sprintf("at %d other maxima", distinct),
          number(fit$objective - lower[1L], 3L))
}

diagnose_symmetry <- function(fit, name) {
  pair <- coincident_components(fit$start, fit_fields(fit), fit$k)
  gap <- closest_components(fit, fit$start)$distance
  if (is.null(pair)) {
    return(finding("symmetry", "ok", gap, "The start told all components apart, so EM could separate them."))
  }
  labels <- component_names_of(fit)[pair]
  finding("symmetry", "problem", 0,
          sprintf(paste("Components %s and %s started alike: they get the same rows at every iteration and stay equal",
                        "for ever."), labels[1L], labels[2L]),
          sprintf("update(FIT, k = %d, start = NULL)", fit$k), name)
}

diagnose_size <- function(fit, name) {
  counts <- fit$counts[seq_len(fit$k)]
  smallest <- which.min(counts)
  needed <- family_rows_needed(fit$family, fit$data)
  share <- counts[[smallest]] / sum(counts)
  thin <- thin_components(fit)
  described <- sprintf("Component %s, the smallest, has %s rows, %s %% of all", names(counts)[smallest],
                       number(counts[[smallest]], 3L), number(100 * share, 2L))
  if (length(thin) || counts[[smallest]] < 1) {
    return(finding("size", "problem", counts[[smallest]],
                   c(paste0(described, "."), sprintf("Its own parameters need at least %s.", number(needed))),
                   fewer_components(fit), name))
  }
  if (counts[[smallest]] < needed || share < 0.01) {
    return(finding("size", "note", counts[[smallest]],
                   paste0(described, ": it may be a few odd rows rather than a group."), fewer_components(fit), name))
  }
  finding("size", "ok", counts[[smallest]], paste0(described, "."))
}

fewer_components <- function(fit) {
  if (fit$k > 1L) sprintf("update(FIT, k = %d, start = NULL)", fit$k - 1L)
}

diagnose_distance <- function(fit, name) {
  closest <- closest_components(fit, fit$parameters)
  say <- function(status, explanation, remedy = NULL) {
    finding("distance", status, closest$distance, explanation, remedy, name)
  }
  if (fit$k == 1L) return(say("ok", "There is one component, so none can be like another."))
  labels <- component_names_of(fit)[if (length(fit$coincident)) fit$coincident else closest$pair]
  pair <- sprintf("Components %s and %s", labels[1L], labels[2L])
  if (length(fit$coincident)) {
    return(say("problem",
               paste(pair, "are one and the same: the data hold no more groups, or EM sits between two maxima."),
               fewer_components(fit)))
  }
  if (closest$distance < 0.1) {
    return(say("note", paste(pair, "nearly cover each other: rows can't be told apart by them."),
               fewer_components(fit)))
  }
  say("ok", paste(pair, "are the nearest, and differ."))
}

simpler_update <- function(fit) {
  simpler <- family_simpler(fit$family)
  if (is.null(simpler)) return(fewer_components(fit))
  sprintf("update(FIT, family = em_gaussian(\"%s\"), start = NULL, k = %d)", simpler, fit$k)
}

diagnose_collapse <- function(fit, name) {
  least <- min(fit$relative_spread)
  say <- function(status, explanation, remedy = NULL) finding("collapse", status, least, explanation, remedy, name)
  if (!family_can_collapse(fit$family)) return(say("ok", "Components of this family are not known to shrink onto single rows."))
  bad <- collapsed_components(fit)
  if (length(bad)) {
    return(say("problem",
               sprintf("Component %s shrank onto %s, where the %s: its fit means nothing.",
                       names(fit$counts)[bad[1L]], describe_points(fit, bad[1L]),
                       if (family_is_bounded(fit$family)) "covariance has no inverse" else "likelihood has no bound"),
               simpler_update(fit)))
  }
  if (isTRUE(least < 1e-2)) {
    return(say("note", sprintf("Component %s is %s times narrower than the data: is it a group, or rounded values?",
                               names(fit$counts)[which.min(fit$relative_spread)], number(1 / least, 2L)),
               fewer_components(fit)))
  }
  say("ok", "No component has shrunk onto few points.")
}

diagnose_support <- function(fit, name) {
  say <- function(status, value, ...) finding("support", status, value, ..., name = name)
  single <- single_rows(fit, fit$data, fit_model(fit))
  if (length(single) && all(fit$leaning %in% single)) {
    return(say("note", min(fit$counts[fit$leaning]), describe_leaning(fit), fewer_components(fit)))
  }
  if (!can_lean(fit_model(fit)) || fit$data$n > most_left_out || length(fit$degenerate)) {
    return(say("ok", NA, "Not asked what rows that are left out would be worth."))
  }
  left <- leave_out(fit$data, fit$parameters, fit_model(fit), fit$df)
  if (is.null(left)) return(say("ok", NA, "Not asked what rows that are left out would be worth."))
  most <- max(left$gap)
  if (length(fit$leaning)) return(say("note", most, describe_leaning(fit), fewer_components(fit)))
  say("ok", most, c("No component leans on few rows.", describe_leaning(fit)))
}

diagnose_units <- function(fit, name) {
  compares <- family_compares_columns(fit$family, fit$data)
  spreads <- if (family_has_units(fit$family)) fit_spreads(fit) else 1
  ratio <- max(spreads) / min(spreads)
  described <- sprintf("Standard deviations of the columns range from %s to %s", number(min(spreads)),
                       number(max(spreads)))
  if (!compares || ratio < 20) {
    return(finding("units", "ok", ratio, if (compares) paste0(described, ", which is alike enough.")
                   else "The fit would be the same in other units."))
  }
  finding("units", if (ratio > 1e6) "problem" else "note", ratio,
          sprintf("%s, and structure %s compares columns with each other: the widest decides.", described,
                  family_structure(fit$family)), rescaled(fit), name)
}

diagnose_digits <- function(fit, name) {
  if (!family_has_units(fit$family)) {
    return(finding("digits", "ok", -log10(.Machine$double.eps), "Counts are exact."))
  }
  spreads <- fit_spreads(fit)
  reach <- apply(abs(fit$data$x), 2L, max, 0, na.rm = TRUE)
  worst <- which.max(reach / spreads)
  digits <- -log10(.Machine$double.eps * max(1, reach[worst] / spreads[worst]))
  described <- sprintf("%s has values of about %s and a standard deviation of %s, which leaves it %s digits",
                       name_column(fit$data, worst), number(reach[worst]), number(spreads[worst]), number(digits, 2L))
  if (digits >= 8) return(finding("digits", "ok", digits, paste0(described, ".")))
  finding("digits", if (digits < 5) "problem" else "note", digits, paste0(described, " of 16."),
          rescaled(fit, ", scale = FALSE"), name)
}

diagnose_identifiability <- function(fit, name) {
  told <- family_identifiability(fit$family, fit, name)
  if (!is.null(told)) return(told)
  spare <- fit$nobs / max(1L, fit$df)
  described <- sprintf("There are %s for %s", plural(round(fit$nobs, 2L), if (is.null(shared_units(fit$data))) "row" else "unit"), plural(fit$df, "free parameter"))
  if (spare >= 5) return(finding("identifiability", "ok", spare, paste0(described, ".")))
  finding("identifiability", if (spare < 1) "problem" else "note", spare,
          paste0(described, ": estimates from so few vary much from sample to sample."),
          simpler_update(fit), name)
}

diagnose_missing <- function(fit, name) {
  x <- family_observed(fit$family, fit$data)
  share <- mean(is.na(x))
  omitted <- length(fit$data$na.action)
  if (!anyNA(x)) {
    if (!omitted) return(finding("missing", "ok", 0, "No value is missing.", NULL, name))
    return(finding("missing", "note", 0,
                   sprintf("%s left out for missing values; they may have differed from the others.",
                           plural(omitted, "row was", "rows were")),
                   if (family_fills_gaps(fit$family)) "update(FIT, na.action = NULL)", name))
  }
  empty <- sum(rowSums(!is.na(x)) == 0)
  apart <- sum(crossprod(!is.na(x)) == 0) %/% 2L
  described <- c(sprintf("%s %% of the cells are missing", number(100 * share, 2L)),
                 if (empty) sprintf("%s nothing observed and %s not count", plural(empty, "row has", "rows have"),
                                    if (empty == 1L) "does" else "do"))
  described <- paste0(paste(described, collapse = "; "), ".")
  if (apart) {
    return(finding("missing", "problem", share,
                   c(described, sprintf("%s never observed together: nothing is known of their covariance.",
                                        plural(apart, "pair of columns is", "pairs of columns are"))),
                   "update(FIT, family = em_gaussian(\"VVI\"))", name))
  }
  finding("missing", "note", share, c(described, "The fit is right if they are missing at random."), NULL, name)
}

diagnose_weights <- function(fit, name) {
  w <- stats::weights(fit)
  w <- w[w > 0] / max(w)
  effective <- sum(w)^2 / sum(w^2)
  if (!fit$data$weighted || effective > length(w) / 2) {
    return(finding("weights", "ok", effective, sprintf("All rows have a say: they count as %s.",
                                                       plural(round(effective), "row"))))
  }
  finding("weights", if (effective < fit$df) "problem" else "note", effective,
          sprintf("A few rows carry most of the weight: %s count as %s.", plural(length(w), "row"),
                  number(effective, 3L)),
          "hist(log(weights(FIT)))", name)
}

# The nearest two components, by the core's measure: Bhattacharyya's distance.
closest_components <- function(fit, parameters) {
  if (fit$k == 1L) return(list(pair = c(1L, 1L), distance = NA_real_))
  pairs <- utils::combn(fit$k, 2L)
  distances <- distances_em(fit$data, parameters, fit_model(fit))[t(pairs)]
  list(pair = pairs[, which.min(distances)], distance = min(distances))
}

# Without some of its columns it is a table like any other.
is_whole_diagnosis <- function(x) all(c("check", "status", "explanation", "remedy") %in% names(x))

#' @rdname em_diagnose
#' @export
print.em_diagnosis <- function(x, all = FALSE, ...) {
  check_dots(..., let_pass = print_arguments)
  if (!is_whole_diagnosis(x)) {
    print(as.data.frame(x), ...)
    return(invisible(x))
  }
  cat(format(x, all = all), sep = "\n")
  invisible(x)
}

#' @rdname em_diagnose
#' @export
format.em_diagnosis <- function(x, all = FALSE, width = getOption("width"), ...) {
  check_dots(..., let_pass = format_arguments)
  if (!is_whole_diagnosis(x)) return(format(as.data.frame(x), ...))
  n <- table(x$status)
  head <- paste0(plural(n[["problem"]], "problem"), ", ", plural(n[["note"]], "note"), ", ", n[["ok"]], " ok")
  told <- if (all) x else x[x$status != "ok", ]
  quiet <- if (!all && n[["ok"]]) {
    c("", strwrap(paste0("In order: ", paste(x$check[x$status == "ok"], collapse = ", "), "."), width))
  }
  blocks <- unlist(lapply(levels(x$status), function(status) {
    at <- which(told$status == status)
    title <- paste0(toupper(status), if (length(at) > 1L && status != "ok") "S")
    if (length(at)) c("", title, lines_of(told[at, ], width))
  }))
  c(attr(x, "title"), head, blocks, quiet)
}

# The check, and beside it what was found; below it where the console is narrow. A remedy stays in one line, to be pasted.
lines_of <- function(told, width) {
  beside <- width >= 60L
  margin <- strrep(" ", if (beside) 16L else 2L)
  unlist(lapply(seq_len(nrow(told)), function(i) {
    text <- paste0(margin, c(strwrap(told$explanation[i], width - nchar(margin) - 1L),
                             if (!is.na(told$remedy[i])) paste("Try", told$remedy[i])))
    if (!beside) return(c(told$check[i], text))
    c(sprintf("%-16s%s", told$check[i], substring(text[1L], 17L)), text[-1L])
  }))
}

#' @rdname em_diagnose
#' @export
as.data.frame.em_diagnosis <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(..., let_pass = frame_arguments)
  attr(x, "title") <- NULL
  class(x) <- "data.frame"
  x
}

#' @rdname em_diagnose
#' @export
tidy.em_diagnosis <- function(x, ...) {
  check_dots(...)
  as_tidy(as.data.frame(x))
}
