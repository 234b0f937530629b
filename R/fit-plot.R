#' Pictures of a fit
#'
#' `plot()` draws a fit in base graphics; `autoplot()` draws the same picture with ggplot2, where that is
#' installed; `plot_data()` returns the numbers behind either, for pictures of one's own.
#'
#' Colours are those of Okabe and Ito, which people with any colour vision can tell apart, and no picture speaks by
#' colour alone: each component also has a symbol and a kind of line. Components that are named after colours, as
#' `"red"` and `"blue"`, get these. `par()` is put back.
#'
#' Noise (see [em_mixture()]) is drawn as small grey crosses, and in densities as a line over its box.
#'
#' @param x A fit by [em_fit()], or what `plot_data()` returned.
#' @param fit A fit by [em_fit()].
#' @param type What to draw. `NULL` takes the first that suits the data.
#' \describe{
#'   \item{`"density"`}{(the default for one variable) histogram, a rug coloured by responsibility, the curves of the
#'     components, each times its proportion, and their bold sum. Options `variable` (for several), `bins`; `probs`, quantiles of the
#'     mixture as dashed lines; `hdr`, a highest density region as a bar under the axis; `modes = TRUE`, its peaks as ticks;
#'     `means = TRUE`, dotted lines at the means of the components.}
#'   \item{`"cluster"`}{(the default for two variables) points by most probable component, larger where that is
#'     less certain, with the ellipses that hold 50 % and 95 % of each component, and crosses at the means. A row
#'     of which one of the two values is missing is a tick on the other's axis. Option `variables`, two names or
#'     numbers.}
#'   \item{`"pairs"`}{(the default for more) points and ellipses for each pair of variables, curves for each variable.
#'     Option `variables`; the first six where left out.}
#'   \item{`"counts"`}{(the default for binomial and Poisson components) bars of the observed counts, with what the fit
#'     expects. Where trials or exposures differ from row to row, of the share of successes, or of counts for a unit of
#'     exposure. Options `bins`, `variable`.}
#'   \item{`"profile"`}{(the default for categories and mixed columns; means of numbers have their place in the range of
#'     the data) the probability of every level in every component, with
#'     intervals of `level` (0.95) where there are any, and a tick at the share of all rows. Options `variables` (left
#'     out: the first, up to 45 lines), `level`.}
#'   \item{`"path"`}{how the components moved: curves for one variable, with dotted lines at the means, ellipses of 95 % for two (`variables`;
#'     left out: those along which components overlap least), probabilities for binomial components, rates for Poisson
#'     ones, at chosen `iterations` (0 is the start), the newest strongest.}
#'   \item{`"trace"`}{log-likelihood by iteration, from iteration 0, the start: every start thin, the best bold.}
#'   \item{`"responsibility"`}{for one variable the probability of each component over the range of the data; for
#'     counts and categories a stacked bar for each row, or each different one.}
#'   \item{`"uncertainty"`}{points as large as they are uncertain, the worst few (`label` of them) with their
#'     row. Option `variables`.}
#'   \item{`"qq"`}{quantile residuals of one `variable`, or of the counts, with a pointwise envelope of 95 %; `label`
#'     of those outside are named.}
#'   \item{`"surface"`}{(two binomial components) contours of the log-likelihood over the two probabilities, the
#'     proportions held as fitted, with the path of EM, its maximum, and the saddle where both are alike. Options
#'     `limits`, `grid`.}
#'   \item{`"conditional"`}{of two columns (`variables`), the second of numbers or counts, what the second is given the first: expected
#'     value, a band between the quantiles of `probs` (0.05 and 0.95), and the peaks, two lines where there are two; a line ends
#'     where its peak has less than 1 of 100 parts of the probability.}
#'   \item{`"hdr"`}{highest density regions that hold `prob` (0.5 and 0.95, see [em_hdr()]) of one or two `variables`: bars
#'     under the density, or contours about the rows, with the peaks.}
#'   \item{`"directions"`}{rows and ellipses along two directions in which Gaussian components lie apart, see
#'     [em_directions()] for `method` and `lambda`; arrows are the columns, by their correlations with both.}
#'   \item{`"series"`}{(the default for a chain, see [em_markov()]) one `variable` by row, coloured by the most probable
#'     path, with the means of its states; below, the probabilities of the states in each row. Dotted lines part series.}
#'   \item{`"transition"`}{the states of a chain as circles, as large as their share of the rows, and transitions as
#'     arrows with their probabilities, those below `least` (0.005; of more than six
#'     states 0.1) left out.}
#'   \item{`"dwell"`}{how long the path of a chain stays in a `state` (by default the one it stays in longest), beside the
#'     geometric law that a chain implies. Stays cut off by the ends of a series are left out.}
#'   \item{`"acf"`}{(of a chain) autocorrelations of the pseudo-residuals of one `variable` up to `lag.max`, over pairs of rows
#'     of one series, with the band in which 95 of 100 lie where the chain has caught the order of the rows.}
#'   \item{`"forecast"`}{the `last` rows of a `series` of a chain (60 of the last series), and `n.ahead` (20) rows to come: their
#'     mean, and intervals that hold 50 and 90 % by the fitted chain, whose own errors they leave aside. Trials and
#'     exposure are those of the last row.}
#' }
#' @param main,xlab,ylab,xlim,ylim As in [graphics::plot()]; `NULL` chooses.
#' @param ... Options of the type, as above.
#' @return `plot_data()`: a list of class `em_plot` with the data frames of the picture (`components` with the
#'   style of each, and by type `bars`, `curves`, `rug`, `points`, `ellipses`, `means`, `walk`, ...), in the units
#'   of the data. `plot()` returns the same, invisibly. At most 10000 points are kept, evenly spaced in the rows.
#' @section Errors: `emfit_error_argument` for an unknown type or option, and for `xlim` or `ylim` that are not two different
#'   finite numbers; `emfit_error_unsupported` where the picture is not for this kind of fit.
#' @references Dunn, P. K. and Smyth, G. K. (1996) Randomized quantile residuals. *Journal of Computational and
#'   Graphical Statistics* 5, 236-244. \doi{10.1080/10618600.1996.10474708}
#'
#'   Okabe, M. and Ito, K. (2008) Color universal design: how to make figures and presentations that are
#'   friendly to colorblind people. <https://jfly.uni-koeln.de/color/>
#' @seealso [em_fit()], [em_path()]
#' @examples
#' fit <- em_fit(faithful, k = 2)
#' plot(fit)
#' plot(fit, type = "density", variable = "waiting")
#' str(plot_data(fit, type = "trace"))
#'
#' tosses <- em_fit(cbind(heads, tails) ~ 1, data = coins, k = 2, family = "binomial")
#' plot(tosses)
#' @export
plot.em_fit <- function(x, type = NULL, main = NULL, xlab = NULL, ylab = NULL, xlim = NULL, ylim = NULL, ...) {
  data <- plot_data(x, type = type, ...)
  draw_plot(data, plot_look(main, xlab, ylab, xlim, ylim))
  note_sample(data)
  invisible(data)
}

#' @rdname plot.em_fit
#' @export
plot.em_plot <- function(x, main = NULL, xlab = NULL, ylab = NULL, xlim = NULL, ylim = NULL, ...) {
  check_no_dots(list(...), names(formals(plot.em_plot)))
  draw_plot(x, plot_look(main, xlab, ylab, xlim, ylim))
  note_sample(x)
  invisible(x)
}

# Where the rows that are drawn are not all there are, the picture says so.
note_sample <- function(data) {
  if (!is.null(data$sample)) graphics::mtext(data$sample, side = 1L, line = -1.1, outer = TRUE, cex = 0.75, adj = 0.98)
}

#' @rdname plot.em_fit
#' @export
plot_data <- function(fit, type = NULL, ...) UseMethod("plot_data")

#' @rdname plot.em_fit
#' @export
plot_data.em_fit <- function(fit, type = NULL, ...) {
  makers <- plot_makers()
  type <- if (is.null(type)) default_plot_type(fit) else check_choice(type, "type", names(makers))
  make <- makers[[type]]
  options <- list(...)
  known <- names(formals(make))[-1L]
  fit$parameters <- with_shares(fit$parameters, fit$latent, fit$counts)
  fit <- family_view(fit$family, fit, type, c(options$variable, options$variables))
  stray <- if (is.null(names(options))) rep(TRUE, length(options)) else !names(options) %in% known
  check_no_dots(options[stray], c(known, "type"))
  parts <- make(fit, ...)
  if (is_sample(fit$data)) parts$sample <- sprintf("a sample of %s of %s rows", number(fit$data$n, 10L), number(fit$data$whole$n, 15L))
  structure(c(list(type = type), parts), class = c(paste0("em_plot_", type), "em_plot"))
}

plot_makers <- function() {
  list(density = plot_data_density, cluster = plot_data_cluster, pairs = plot_data_pairs,
       counts = plot_data_counts, path = plot_data_path, trace = plot_data_trace,
       responsibility = plot_data_responsibility, uncertainty = plot_data_uncertainty, qq = plot_data_qq,
       surface = plot_data_surface, profile = plot_data_profile, conditional = plot_data_conditional,
       hdr = plot_data_hdr, directions = plot_data_directions,
       series = plot_data_series, transition = plot_data_transition,
       dwell = plot_data_dwell, acf = plot_data_acf, forecast = plot_data_forecast)
}

default_plot_type <- function(fit) {
  c(latent_plots(fit$latent), family_plots(fit$family, fit$data))[1L]
}

#' @export
print.em_plot <- function(x, ...) {
  check_dots(..., let_pass = print_arguments)
  cat("Data of a plot of type \"", x$type, "\"; draw it with plot() or autoplot().\n", sep = "")
  for (name in setdiff(names(x), "type")) {
    part <- x[[name]]
    if (is.data.frame(part)) cat(sprintf(" $%s: %s of %s\n", name, plural(nrow(part), "row"),
                                         paste(names(part), collapse = ", ")))
  }
  invisible(x)
}

# What is said of the look of a picture, NULL where it is to be chosen.
plot_look <- function(main, xlab, ylab, xlim, ylim) {
  check_limits(xlim, "xlim")
  check_limits(ylim, "ylim")
  list(main = main, xlab = xlab, ylab = ylab, xlim = xlim, ylim = ylim)
}

check_limits <- function(limits, arg) {
  if (is.null(limits)) return(invisible())
  if (is.numeric(limits) && length(limits) == 2L && all(is.finite(limits)) && limits[1L] != limits[2L]) return(invisible())
  abort_em("argument", c(sprintf("`%s` must be two different finite numbers, not %s.", arg, said_limits(limits)),
                         i = sprintf("Left out, or NULL, it is chosen: %s = NULL.", arg)))
}

said_limits <- function(limits) {
  if (is.numeric(limits) && length(limits) == 2L) sprintf("c(%s)", paste(format(limits, trim = TRUE), collapse = ", ")) else describe_value(limits)
}

# draw_plot(data, look): draws what plot_data() computed, and nothing else. `look` holds main, xlab, ...
draw_plot <- function(data, look) UseMethod("draw_plot")

# What the makers share ----------------------------------------------------------------------------------

# Pictures that a family draws, or has none of.
need_plot <- function(fit, type) {
  known <- family_plots(fit$family, fit$data)
  if (type %in% known) return(invisible())
  abort_em("unsupported", c(
    sprintf("There is no plot of type \"%s\" for %s components.", type, fit$family$name),
    i = sprintf("Try type = \"%s\".", known[1L])
  ))
}

# Variables asked for, by name or number, as column numbers.
pick_variables <- function(names, variables, arg, most = Inf, least = 1L) {
  at <- if (is.character(variables)) match(variables, names) else match(variables, seq_along(names))
  if (!length(at) || anyNA(at) || anyDuplicated(at)) {
    bad <- if (anyNA(at)) describe_value(variables[is.na(at)][1L]) else describe_value(variables)
    abort_em("argument", c(sprintf("`%s` must be among %s, not %s.", arg, quoted(names), bad),
                           i = if (is.character(variables)) did_you_mean(variables[is.na(at)][1L], names)))
  }
  if (length(at) < least || length(at) > most) {
    abort_em("argument", sprintf("`%s` must be %s, not %d.", arg, plural(least, "variable"), length(at)))
  }
  at
}

# Rows to draw: all, or `most` of them evenly spaced; never a random choice.
rows_to_draw <- function(n, most = 10000L) {
  if (n <= most) seq_len(n) else unique(round(seq(1, n, length.out = most)))
}

row_weights <- function(fit) if (is.null(fit$data$weights)) rep(1, fit$data$n) else fit$data$weights
