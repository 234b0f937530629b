// bayes.h: Bayes' rule for log densities that are there already, as of classes that are made of components.
#pragma once

#include "eigen.h"
#include "parallel.h"

namespace em {

// For each row of rows x K log densities: logs[i] = log sum_k p_k f_k. Where `posterior` is no null pointer
// it gets p_k f_k / sum, rows x K. The rows are as Kernels::posterior takes them: one without a density keeps
// the proportions. The answers do not depend on the number of threads.
void apply_bayes(ConstMatrixRef log_density, const Vector& proportions, double* logs, double* posterior,
                 int threads, Interrupt& interrupt);

}  // namespace em
