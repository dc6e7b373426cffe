# Rscript coxph.R data.csv repeats: one coxph fit of Surv(days, event) on all other columns; prints seconds, then coefficients.
arguments <- commandArgs(trailingOnly = TRUE)
suppressMessages(library(survival))
data <- read.csv(arguments[1])
outcome <- Surv(data$days, data$event)
covariates <- as.matrix(data[, !(names(data) %in% c("days", "event"))])
# The default stops up to 1e-6 of a coefficient short of the maximum.
control <- coxph.control(eps = 1e-14, iter.max = 50)
seconds <- Inf
for (i in seq_len(as.integer(arguments[2]))) {
  started <- proc.time()[["elapsed"]]
  fit <- coxph(outcome ~ covariates, ties = "efron", control = control, model = FALSE, x = FALSE, y = FALSE)
  seconds <- min(seconds, proc.time()[["elapsed"]] - started)
}
cat(format(seconds, digits = 15), format(coef(fit), digits = 17), sep = "\n")
