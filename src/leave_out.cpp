#include "leave_out.h"

#include <algorithm>
#include <stdexcept>

#include "blocks.h"
#include "numerics.h"

namespace em {

namespace {

// A single row's way through the family and the latent structure.
class OneRow {
 public:
  explicit OneRow(Model& model)
      : model_(model), stride_(static_cast<Index>(block_stride(1))), statistics_(model.statistics().size()) {
    work_.resize(size_of(model.family().n_workspace(1)));
    room_.resize(size_of(stride_ * model.n_columns()));
  }

  // Statistics of responsibilities, weights included, about the present parameters.
  const Vector& statistics(Index row, const Vector& responsibilities) {
    MatrixMap matrix = cleared();
    matrix.row(0) = responsibilities.transpose();
    statistics_.setZero();
    Family& family = model_.family();
    VectorRef own = statistics_.head(family.n_statistics());
    family.pack({row, 1}, work_.data());
    family.accumulate({row, 1}, work_.data(), matrix.leftCols(model_.n_components()).topRows(1), own);
    family.close_slice(own, work_.data());
    model_.latent().accumulate({row, 1}, matrix.topRows(1), statistics_.tail(latent_size()));
    return statistics_;
  }

  double log_density(Index row) {
    MatrixMap matrix = cleared();
    model_.family().pack({row, 1}, work_.data());
    model_.family().log_density({row, 1}, work_.data(), matrix.leftCols(model_.n_components()).topRows(1));
    Vector unused = Vector::Zero(latent_size());
    return model_.latent().posterior({row, 1}, nullptr, matrix.topRows(1), nullptr, unused, {});
  }

 private:
  Index latent_size() const { return statistics_.size() - model_.family().n_statistics(); }
  MatrixMap cleared() {
    MatrixMap matrix(room_.data(), stride_, model_.n_columns());
    matrix.setZero();
    return matrix;
  }

  Model& model_;
  Index stride_;
  Vector statistics_;
  Buffer work_;
  Buffer room_;
};

// The first row of each group and the weight of all.
struct Groups {
  std::vector<Index> first;
  std::vector<double> weight;
};

Groups gather(const Model& model, const std::vector<int>& group) {
  Groups out;
  for (Index row = 0; row < model.n_rows(); ++row) {
    const auto at = size_of(group[size_of(row)]);
    if (at > out.first.size()) throw std::invalid_argument("groups must be numbered as they appear");
    if (at == out.first.size()) {
      out.first.push_back(row);
      out.weight.push_back(0.0);
    }
    out.weight[at] += model.data().weight(row);
  }
  return out;
}

}  // namespace

LeftOut leave_out(Model& model, const std::vector<int>& group, int threads, Interrupt& interrupt) {
  const Index n = model.n_rows();
  LeftOut out{Vector(n), Vector::Constant(n, -infinity)};
  if (model.prepare(Accuracy::exact) >= 0) throw std::invalid_argument("a component has no density");
  Matrix responsibilities(n, model.n_columns());
  model.report(responsibilities.data(), nullptr, out.with.data(), threads, interrupt);
  model.expect(threads, interrupt);
  const Vector statistics = model.statistics();
  Vector parameters(model.n_parameters());
  pack(model.fields(), parameters);

  const Groups groups = gather(model, group);
  std::vector<double> without(groups.first.size(), -infinity);
  OneRow one(model);
  for (std::size_t g = 0; g < groups.first.size() && !interrupt.raised(); ++g) {
    const Index row = groups.first[g];
    if (groups.weight[g] > 0.0) {
      model.set_statistics(statistics -
                           one.statistics(row, groups.weight[g] * responsibilities.row(row).transpose()));
      model.maximise(Step::em);
    }
    if (model.prepare(Accuracy::exact) < 0) without[g] = one.log_density(row);
    unpack(parameters, model.fields());
    model.prepare(Accuracy::exact);
  }
  for (Index row = 0; row < n; ++row) out.without[row] = without[size_of(group[size_of(row)])];
  return out;
}

}  // namespace em
