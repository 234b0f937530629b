# What a picture shows, in words, for those who can't see it: autoplot() gives it as its alternative text.

plot_words <- function(data) {
  what <- plot_subject(data)
  style <- data$components
  parts <- c(
    paste0(what, "."),
    if (is.data.frame(style) && nrow(style) > 1L && data$type != "select") {
      sprintf("Told apart by colour, symbol and line: %s.", enumerate(style$component))
    },
    plot_numbers(data)
  )
  paste(parts, collapse = " ")
}

plot_subject <- function(data) {
  of <- enumerate(c(data[["variables"]], data[["variable"]]))
  said <- c(
    density = "Histogram of %s under the density of the mixture and of its components",
    cluster = "Scatter plot of %s with ellipses and means of the components",
    pairs = "Scatter plots of every pair of %s, with a histogram and the densities of each on the diagonal",
    counts = "Bars of the counts of %s beside those that the components expect",
    path = "How the components moved along %s from iteration to iteration",
    trace = "The %s by iteration",
    responsibility = "Probabilities of the components along %s",
    uncertainty = "Points of %s, larger where their component is less certain",
    qq = "Quantile residuals of %s against the normal distribution, with an envelope",
    surface = "Contours of the log-likelihood over the probabilities of %s, with the walk of EM",
    profile = "Profiles of the components over %s",
    series = "%s by row, with the means of the states of the path and the probabilities of the states below",
    transition = "States as circles and transitions as arrows with their probabilities%.0s",
    dwell = "Lengths of stays in a state beside their geometric law%.0s",
    acf = "Autocorrelations of the pseudo-residuals of %s",
    forecast = "The last rows of %s and intervals of the rows to come",
    terms = "The first terms of each topic, as bars of their probabilities%.0s",
    documents = "The shares of the topics in each document, stacked%.0s",
    perplexity = "Perplexity by the number of topics, of documents left out and of those fitted%.0s",
    conditional = "What the second of %s is given the first: expected value, a band of quantiles and the peaks",
    hdr = "Highest density regions of %s",
    directions = "Rows, component ellipses and arrows of the columns along %s",
    regions = "Which class is decided where along %s, with the rows and the components of the classes",
    tree = "The order in which components are joined, as a tree%.0s",
    entropy = "Entropy against the rows that were merged, with the two lines that meet at the elbow%.0s"
  )
  form <- said[data$type]
  if (data$type == "select") return(sprintf("%s by the number of components, a line for each structure", data$criterion))
  if (is.na(form)) return(sprintf("Picture of type %s", data$type))
  sprintf(form, if (nzchar(of)) of else "the rows")
}

# The numbers that a reader would take from it.
plot_numbers <- function(data) {
  switch(data$type,
    select = sprintf("The best is %s with %s: %s.", data$best$covariance, plural(data$best$k, "component"),
                     number(data$best$value)),
    trace = sprintf("It goes from %s at iteration 0 to %s at iteration %d.", number(data$trace$loglik[1L]),
                    number(data$trace$loglik[nrow(data$trace)]), max(data$trace$iteration)),
    cluster = sprintf("Means: %s.", paste(sprintf("%s at (%s, %s)", data$means$component, number(data$means$x),
                                                  number(data$means$y)), collapse = ", ")),
    terms = paste(tapply(data$terms$term, factor(data$terms$topic, unique(data$terms$topic)), function(own) {
      sprintf("%s.", enumerate(own))
    }), collapse = " "),
    perplexity = sprintf("The least, of documents left out, is that of %s.", plural(data$best, "topic")),
    acf = sprintf("%d of %d lie outside the band.", sum(abs(data$bars$correlation) > data$bars$limit, na.rm = TRUE),
                  nrow(data$bars))
  )
}
