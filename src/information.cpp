#include "information.h"

#include <cmath>

#include "dense.h"

namespace em {

namespace {

// In natural units. The error of a central difference is of order step^2, that of rounding of order
// epsilon / step.
constexpr double step = 2e-5;

// The E-step and the gradient at z; false where a density does not exist there.
bool slope_at(Model& model, Chart& chart, const Vector& z, int threads, Interrupt& interrupt, VectorRef out) {
  chart.place(z);
  if (model.prepare(Accuracy::exact) >= 0) return false;
  model.expect(threads, interrupt);
  chart.slope(model.statistics(), out);
  return true;
}

// Of the packed parameters, by differences: no pass is needed.
Matrix jacobian_of(Model& model, Chart& chart) {
  const Index p = chart.size();
  Vector origin(model.n_parameters()), there(origin.size()), z = Vector::Zero(p);
  pack(model.fields(), origin);
  Matrix out(origin.size(), p);
  for (Index j = 0; j < p; ++j) {
    z[j] = -step;
    chart.place(z);
    pack(model.fields(), there);
    z[j] = step;
    chart.place(z);
    pack(model.fields(), out.col(j));
    z[j] = 0.0;
    add_scaled(-1.0, there, out.col(j));
    scale_to(out.col(j), chart.scale()[j] / (2.0 * step), out.col(j));
  }
  unpack(origin, model.fields());
  return out;
}

Information at_present(Model& model, const Chart& chart) {
  Information out;
  out.passes = 1;
  out.gradient.resize(chart.size());
  chart.gradient(model.statistics(), out.gradient);
  return out;
}

}  // namespace

Information observed_information(Model& model, int threads, Interrupt& interrupt) {
  if (model.prepare(Accuracy::exact) >= 0) return {};
  model.expect(threads, interrupt);
  Vector origin(model.n_parameters());
  pack(model.fields(), origin);
  const std::unique_ptr<Chart> chart = model.chart();
  const Index p = chart->size();
  Information out = at_present(model, *chart);
  out.observed.resize(p, p);
  out.jacobian.resize(origin.size(), p);

  Vector z = Vector::Zero(p), ahead(p), behind(p), there(origin.size());
  for (Index j = 0; j < p && !interrupt.raised(); ++j) {
    z[j] = -step;
    if (!slope_at(model, *chart, z, threads, interrupt, behind)) return {};
    pack(model.fields(), there);
    z[j] = step;
    if (!slope_at(model, *chart, z, threads, interrupt, ahead)) return {};
    pack(model.fields(), out.jacobian.col(j));
    z[j] = 0.0;
    out.passes += 2;
    const double scale = chart->scale()[j] / (2.0 * step);
    for (Index i = 0; i < p; ++i) out.observed(i, j) = (behind[i] - ahead[i]) * chart->scale()[i] * scale;
    add_scaled(-1.0, there, out.jacobian.col(j));
    scale_to(out.jacobian.col(j), scale, out.jacobian.col(j));
  }
  unpack(origin, model.fields());
  return out;
}

Information outer_information(Model& model, int threads, Interrupt& interrupt) {
  if (model.prepare(Accuracy::exact) >= 0) return {};
  model.expect(threads, interrupt);
  const std::unique_ptr<Chart> chart = model.chart();
  Information out = at_present(model, *chart);
  out.outer = Matrix::Zero(chart->size(), chart->size());
  model.score(*chart, threads, interrupt, [&](Rows units, ConstMatrixRef scores) {
    Matrix weighted = scores;
    for (Index i = 0; model.data().weights && i < units.size; ++i) {
      const double root = std::sqrt(model.data().weight(model.unit(units.begin + i).begin));
      for (Index j = 0; j < weighted.cols(); ++j) weighted(i, j) *= root;
    }
    add_lower_cross_product(weighted, out.outer);
  });
  mirror_lower(out.outer);
  out.jacobian = jacobian_of(model, *chart);
  return out;
}

Matrix parameters_at(Model& model, ConstMatrixRef coordinates, int threads, Interrupt& interrupt) {
  if (model.prepare(Accuracy::exact) >= 0) return {};
  model.expect(threads, interrupt);
  Vector origin(model.n_parameters());
  pack(model.fields(), origin);
  const std::unique_ptr<Chart> chart = model.chart();
  Matrix out(origin.size(), coordinates.cols());
  for (Index j = 0; j < coordinates.cols(); ++j) {
    chart->move_to(coordinates.col(j));
    pack(model.fields(), out.col(j));
  }
  unpack(origin, model.fields());
  return out;
}

Information row_scores(Model& model, int threads, Interrupt& interrupt) {
  if (model.prepare(Accuracy::exact) >= 0) return {};
  model.expect(threads, interrupt);
  const std::unique_ptr<Chart> chart = model.chart();
  Information out = at_present(model, *chart);
  out.scores.resize(model.n_units(), chart->size());
  model.score(*chart, threads, interrupt, [&](Rows units, ConstMatrixRef scores) {
    out.scores.middleRows(units.begin, units.size) = scores;
  });
  return out;
}

}  // namespace em
