library(testthat)
library(emfit)

test_check("emfit")
