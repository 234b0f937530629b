# Draws the picture of README.md: Rscript data-raw/figures.R, in the root of the package.
library(emfit)
set.seed(1)
fit <- em_fit(faithful, k = 2)
png("man/figures/faithful.png", width = 1200, height = 750, res = 160)
par(mar = c(4, 4, 3, 1))
plot(fit, xlab = "eruption (minutes)", ylab = "waiting (minutes)")
dev.off()
