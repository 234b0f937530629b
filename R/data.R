#' Two normal groups whose colours can be hidden
#'
#' Forty numbers, twenty from a red group and twenty from a blue one. With the colours known, the two normal
#' distributions are estimated by plain averages; with the colours hidden it takes the EM algorithm. The
#' example shows how far the second gets without what the first is told.
#'
#' The red values were drawn from a normal distribution with mean 3 and standard deviation 0.8, the blue ones
#' from one with mean 7 and standard deviation 2. The drawn values have mean 2.813 and standard deviation
#' 0.800 (red), 6.973 and 2.039 (blue), with the divisor `n`. A published account of this example prints
#' 2.802, 0.871, 6.932 and 2.195 as the actual values; they don't follow from these forty numbers.
#'
#' @format A data frame with 40 rows and 2 columns:
#' \describe{
#'   \item{value}{the measurement, a number without a unit}
#'   \item{colour}{the group it was drawn from, a factor with levels `red` and `blue`}
#' }
#' @source Simulated once (Mersenne Twister, seed 110) with a generator that R does not have, so the values
#'   are shipped as they were drawn.
#' @references
#' Meng, X.-L. and Rubin, D. B. (1993). Maximum likelihood estimation via the ECM algorithm: a general
#' framework. *Biometrika*, 80(2), 267--278. \doi{10.1093/biomet/80.2.267}
#' @examples
#' # Colours known: one M-step gives the closed-form estimates.
#' em_mstep(red_blue$value, red_blue$colour, family = em_gaussian())
#'
#' # Colours hidden: twenty iterations from a rough guess, spread taken about the previous means.
#' em_fit(red_blue$value,
#'   k = 2, latent = em_mixture("equal"),
#'   start = list(mean = c(red = 1.1, blue = 9), sd = c(2, 1.7)),
#'   control = em_control(algorithm = "ecm", max_iter = 20, tol = 0, accelerate = FALSE)
#' )
"red_blue"

#' Five sets of ten tosses of two coins
#'
#' In each set one of two coins, A or B, was picked and tossed ten times. If it is known which coin was
#' picked, the probability of heads is 24/30 = 0.80 for A and 9/20 = 0.45 for B. If it is not, every set
#' belongs to each coin with some probability, and EM estimates 0.80 and 0.52.
#'
#' @format A data frame with 5 rows, one for each set, and 5 columns:
#' \describe{
#'   \item{set}{number of the set, 1 to 5}
#'   \item{sequence}{the ten tosses in order, `H` for heads and `T` for tails}
#'   \item{heads}{number of heads among the ten tosses}
#'   \item{tails}{number of tails among the ten tosses}
#'   \item{coin}{the coin that was tossed, a factor with levels `A` and `B`}
#' }
#' @source Figure 1 of Do and Batzoglou (2008).
#' @references
#' Do, C. B. and Batzoglou, S. (2008). What is the expectation maximization algorithm? *Nature
#' Biotechnology*, 26(8), 897--899. \doi{10.1038/nbt1406}
#' @examples
#' # Coins known.
#' em_mstep(as.matrix(coins[c("heads", "tails")]), coins$coin, family = em_binomial())
#'
#' # Coins hidden: the start of the article.
#' em_fit(cbind(heads, tails) ~ 1,
#'   data = coins, k = 2, family = "binomial",
#'   latent = em_mixture("equal"), start = list(prob = c(A = 0.6, B = 0.5))
#' )
"coins"

#' Three groups of points in the plane
#'
#' Three hundred points, one hundred from each of three bivariate normal distributions with means (0, 0), (5,
#' 5) and (0, 5) and identity covariance. From a poor start (three points, two of them in the same group) EM
#' first settles on a plateau, then separates the groups, and stops after 41 iterations.
#'
#' @format A data frame with 300 rows and 3 columns:
#' \describe{
#'   \item{x1, x2}{coordinates of the point, numbers without a unit}
#'   \item{group}{the group it was drawn from, a factor with levels `1` to `3` in the order of the means}
#' }
#' @source Simulated once with a generator that R does not have, so the values are shipped as they were
#'   drawn.
#' @references
#' Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). Maximum likelihood from incomplete data via the EM
#' algorithm. *Journal of the Royal Statistical Society, Series B*, 39(1), 1--38.
#' \doi{10.1111/j.2517-6161.1977.tb01600.x}
#' @examples
#' fit <- em_fit(three_groups[1:2],
#'   k = 3,
#'   start = list(mean = three_groups[c(80, 13, 205), 1:2], covariance = diag(2)),
#'   control = em_control(tol = 1e-4, accelerate = FALSE)
#' )
#' fit
#' table(three_groups$group, predict(fit))
"three_groups"

#' Friends or rules: four situations of role conflict
#'
#' In four situations each of 216 respondents said whether a duty towards a friend (particularistic) or one towards
#' everybody (universalistic) comes first. A classic of latent class analysis: two classes describe the table well.
#'
#' @format A data frame with 216 rows and 4 columns `A`, `B`, `C` and `D`, one for each situation, factors with levels
#'   `particularistic` and `universalistic`. Only 16 different rows are possible, and all of them occur.
#' @source Stouffer, S. A. and Toby, J. (1951). Role conflict and personality. *American Journal of Sociology*, 56(5),
#'   395--406. The counts are those of the 16 cells of their table.
#' @references
#' Goodman, L. A. (1974). Exploratory latent structure analysis using both identifiable and unidentifiable models.
#' *Biometrika*, 61(2), 215--231. \doi{10.1093/biomet/61.2.215}
#' @examples
#' # How many of the four are universalistic
#' table(rowSums(role_conflict == "universalistic"))
"role_conflict"

#' What respondents make of interviews
#'
#' Answers of 1202 white respondents to the General Social Survey of 1982 about surveys themselves, and what the
#' interviewer noted about them. Who understood the interview, and who only went along with it?
#'
#' @format A data frame with 1202 rows and 4 columns, all factors:
#' \describe{
#'   \item{purpose}{surveys serve a good purpose (`good`), it `depends`, or they are a waste of time and money
#'     (`waste`)}
#'   \item{accuracy}{their results are `mostly true` or `not true`}
#'   \item{understanding}{how well the respondent understood the questions, by the interviewer: `good`, or
#'     `fair or poor`}
#'   \item{cooperation}{the respondent's attitude, by the interviewer: `interested`, `cooperative`, or `impatient`,
#'     which includes hostile}
#' }
#' Of the 36 different rows that are possible 33 occur.
#' @source McCutcheon, A. L. (1987). *Latent Class Analysis*. SAGE Publications, table 3.1, p. 30. The rows are the
#'   cells of that table.
#' @examples
#' ftable(interview, row.vars = c("understanding", "cooperation"))
"interview"
