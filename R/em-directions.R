#' Directions that show the components
#'
#' Linear combinations of the columns in which the components of a Gaussian mixture lie apart, the most telling first:
#' for pictures of data with many columns, `plot(fit, type = "directions")`.
#'
#' `"gmmdr"` (Scrucca 2010) are eigenvectors, in the metric of the covariance S of all rows, of
#' \eqn{2\lambda B S^{-1} B + 2(1-\lambda)\sum_k \pi_k (S_k - \bar S) S^{-1} (S_k - \bar S)}{2 lambda B S^-1 B + 2 (1 - lambda) sum p_k (S_k - Sbar) S^-1 (S_k - Sbar)}:
#' B is the covariance of the means; with `lambda` = 1 only these count, with less also differences of the covariances S_k
#' about their mean. `"canonical"` are those of linear discriminant analysis: eigenvectors of B in the metric of the
#' mean covariance within components. All of S, B and the means are weighted as the rows are.
#'
#' @param fit A fit of two or more Gaussian components along two or more columns, by [em_fit()].
#' @param method `"gmmdr"` or `"canonical"`.
#' @param lambda Of `"gmmdr"`: a number from 0 to 1.
#' @return A list: `basis`, a matrix with a column for each direction that tells anything (each of length one, its largest entry positive);
#'   `values`, the eigenvalues; `centre`, the mean of the mixture; `scores(x)` are `sweep(x, 2, centre) %*% basis`.
#' @section Errors: `emfit_error_unsupported` for other families, one component or one column; `emfit_error_argument`.
#' @references Scrucca, L. (2010) Dimension reduction for model-based clustering. *Statistics and Computing* 20, 471-484.
#'   \doi{10.1007/s11222-009-9138-7}
#' @seealso [plot.em_fit()]
#' @examples
#' fit <- em_fit(iris[1:4], k = 3, family = em_gaussian("EEE"))
#' em_directions(fit)
#' @export
em_directions <- function(fit, method = c("gmmdr", "canonical"), lambda = 1) {
  check_fit(fit, "em_directions()")
  method <- check_choice(method, "method", c("gmmdr", "canonical"))
  if (!is_number(lambda) || lambda < 0 || lambda > 1) {
    abort_em("argument", sprintf("`lambda` must be a number from 0 to 1, not %s.", describe_value(lambda)))
  }
  modal <- need_directions(fit)
  share <- unname(shares_of(fit)[seq_len(fit$k)])
  share <- share / sum(share)
  centre <- colSums(share * modal$mean)
  away <- sqrt(share) * (modal$mean - rep(centre, each = fit$k))
  between <- crossprod(away)
  p <- ncol(modal$mean)
  within <- matrix(matrix(modal$covariance, p * p) %*% share, p)
  metric <- if (method == "gmmdr") row_covariance(fit) else within
  kernel <- if (method == "canonical") between else gmmdr_kernel(modal, share, between, within, metric, lambda)
  found <- metric_eigen(kernel, metric)
  dimnames(found$basis) <- list(block_variables(family_margin(fit$family, fit$parameters, fit$data)), paste0("direction", seq_along(found$values)))
  c(found, list(centre = stats::setNames(centre, rownames(found$basis))))
}

need_directions <- function(fit) {
  modal <- need_one_normal(fit, "directions")
  if (fit$k > 1L && ncol(modal$mean) > 1L) return(modal)
  abort_em("unsupported", sprintf("Directions need two components and two columns or more: here are %d and %d.", fit$k, ncol(modal$mean)))
}

gmmdr_kernel <- function(modal, share, between, within, metric, lambda) {
  out <- 2 * lambda * between %*% metric_solve(metric, between)
  if (lambda == 1) return(out)
  p <- ncol(modal$mean)
  for (i in seq_along(share)) {
    apart <- matrix(modal$covariance[, , i], p) - within
    out <- out + 2 * (1 - lambda) * share[i] * apart %*% metric_solve(metric, apart)
  }
  out
}

# On a scale on which columns have variance one: those of very different size would make the metric singular.
metric_solve <- function(metric, b) {
  size <- sqrt(diag(metric))
  solve(metric / outer(size, size), b / size) / size
}

# Of the rows that are complete; where none is, of the mixture.
row_covariance <- function(fit) {
  x <- fit$data$x
  use <- stats::complete.cases(x) & row_weights(fit) > 0
  stats::cov.wt(x[use, , drop = FALSE], row_weights(fit)[use] / sum(row_weights(fit)[use]), method = "ML")$cov
}

# Eigenvectors of a matrix in the metric of another, those whose value is not rounding; on a scale on which columns have
# variance one.
metric_eigen <- function(kernel, metric) {
  size <- sqrt(diag(metric))
  root <- chol(metric / outer(size, size))
  inner <- backsolve(root, t(backsolve(root, kernel / outer(size, size), transpose = TRUE)), transpose = TRUE)
  parts <- eigen((inner + t(inner)) / 2, symmetric = TRUE)
  use <- which(parts$values > 1e-10 * max(parts$values))
  basis <- backsolve(root, parts$vectors[, use, drop = FALSE]) / size
  basis <- basis / rep(sqrt(colSums(basis^2)), each = nrow(basis))
  turn <- vapply(seq_along(use), function(j) sign(basis[which.max(abs(basis[, j])), j]), 0)
  list(basis = basis * rep(turn, each = nrow(basis)), values = parts$values[use])
}

# ---- its picture ----

# Rows and component ellipses along two directions, and an arrow for each column: its correlations with both.
plot_data_directions <- function(fit, method = "gmmdr", lambda = 1, directions = c(1, 2)) {
  found <- em_directions(fit, method, lambda)
  if (ncol(found$basis) < 2L) found <- with_second_direction(found, fit)
  at <- pick_variables(colnames(found$basis), directions, "directions", most = 2L, least = 2L)
  basis <- found$basis[, at, drop = FALSE]
  z <- (fit$data$x - rep(found$centre, each = fit$data$n)) %*% basis
  rows <- rows_to_draw(fit$data$n)
  r <- responsibilities(fit)
  points <- data.frame(row = rows, x = z[rows, 1L], y = z[rows, 2L],
                       component = component_names_of(fit)[max.col(r, ties.method = "first")][rows], uncertainty = 1 - row_max(unname(r))[rows])
  moved <- project_parameters(fit, found$centre, basis)
  sd <- sqrt(diag(row_covariance(fit)))
  both <- row_covariance(fit) %*% basis
  r2 <- both / outer(sd, sqrt(diag(crossprod(basis, both))))
  list(variables = colnames(basis), components = fit_style(fit), points = points[stats::complete.cases(points), ],
       ellipses = cluster_ellipses(moved, 1:2), means = cluster_means(moved, 1:2),
       arrows = data.frame(variable = rownames(basis), x = r2[, 1L], y = r2[, 2L]), values = found$values)
}

# Two components differ along one direction: the other is the one of most spread beside it.
with_second_direction <- function(found, fit) {
  metric <- row_covariance(fit)
  size <- sqrt(diag(metric))
  along <- metric %*% found$basis / size
  rest <- metric / outer(size, size) - tcrossprod(along) / drop(crossprod(found$basis, metric %*% found$basis))
  second <- eigen(rest, symmetric = TRUE)$vectors[, 1L] / size
  second <- second - found$basis[, 1L] * drop(crossprod(found$basis, metric %*% second) / crossprod(found$basis, metric %*% found$basis))
  second <- second / sqrt(sum(second^2))
  found$basis <- cbind(found$basis, direction2 = second)
  found
}

project_parameters <- function(fit, centre, basis) {
  p <- fit$parameters
  mean <- (as.matrix(p$mean) - rep(centre, each = fit$k)) %*% basis
  covariance <- vapply(seq_len(fit$k), function(i) crossprod(basis, p$covariance[, , i] %*% basis), matrix(0, 2L, 2L))
  list(proportions = p$proportions, mean = mean, covariance = array(covariance, c(2L, 2L, fit$k)))
}

# Where the arrows go: as long as the picture allows.
scaled_arrows <- function(data) {
  reach <- min(abs(range(data$points$x)), abs(range(data$points$y)))
  by <- 0.9 * reach / max(sqrt(data$arrows$x^2 + data$arrows$y^2))
  data.frame(variable = data$arrows$variable, x = by * data$arrows$x, y = by * data$arrows$y)
}

#' @export
draw_plot.em_plot_directions <- function(data, look) {
  arrows <- scaled_arrows(data)
  old <- open_frame(padded_range(c(data$points$x, data$ellipses$x)), padded_range(c(data$points$y, data$ellipses$y)), look,
                    data$variables[1L], data$variables[2L], cluster_key(data))
  on.exit(graphics::par(old))
  draw_cluster(data, data$components)
  graphics::arrows(0, 0, arrows$x, arrows$y, length = 0.08, lwd = 1.5)
  # Names may stand on points, but not on the arrows.
  draw_labels(arrows$x, arrows$y, arrows$variable, 1, along_arrows(arrows))
}

along_arrows <- function(arrows) {
  along <- seq(0.02, 1, by = 0.02)
  data.frame(x = c(outer(along, arrows$x)), y = c(outer(along, arrows$y)))
}

#' @export
gg_plot.em_plot_directions <- function(data) {
  arrows <- scaled_arrows(data)
  arrows$label <- arrows$variable
  ggplot2::ggplot() + gg_points(data$points) + gg_ellipses(data$ellipses) + gg_means(data$means) +
    ggplot2::geom_segment(ggplot2::aes(x = 0, y = 0, xend = .data$x, yend = .data$y), data = arrows,
                          arrow = ggplot2::arrow(length = ggplot2::unit(0.08, "inches"))) +
    gg_labels(arrows, avoid = along_arrows(arrows)) + gg_scales(key_lines(data$components, data$ellipses)) +
    gg_frame(data$variables[1L], data$variables[2L])
}
