#' Major earthquakes in the world, 1900 to 2006
#'
#' The number of earthquakes of magnitude 7 or more in each year. There are quiet and restless spells: neighbouring
#' years resemble each other, and the variance (51.6) is far above the mean (19.4), so that neither one Poisson law
#' nor a mixture of them tells the whole story. It is the running example of Zucchini and MacDonald's book on hidden
#' Markov models.
#'
#' @format A data frame with 107 rows and 2 columns:
#' \describe{
#'   \item{year}{1900 to 2006, in order}
#'   \item{count}{how many earthquakes there were}
#' }
#' @source Table 1.1 of Zucchini and MacDonald (2009).
#' @references
#' Zucchini, W. and MacDonald, I. L. (2009). *Hidden Markov Models for Time Series: An Introduction Using R*.
#' Chapman & Hall. \doi{10.1201/9781420010893}
#' @examples
#' plot(count ~ year, data = earthquakes, type = "h")
#' acf(earthquakes$count)
"earthquakes"
