// chart.h: free coordinates about a point of the parameter space, and the gradient of the log-likelihood in
// them.
//
// Parameters are constrained: proportions sum to one, covariances are positive definite and share what their
// structure says. A chart maps n_free() numbers u, free of any constraint, onto them. u = 0 is the point at
// which the chart was made, and the map stays the same however far u goes from there.
//
//   std::unique_ptr<Chart> chart = model.chart();  // after an E-step at the present parameters
//   chart->move_to(u);                             // sets the parameters; then, as after any change of them,
//   model.prepare(accuracy);                       // -1, unless u went too far
//   model.expect(threads, interrupt);              // the statistics at u
//   chart->gradient(model.statistics(), g);        // d log-likelihood / du at u, by Fisher's identity
//
// Coordinates are whitened: at the origin the information of the complete data is close to the identity. So
// an EM step is about u = g, a unit of u about one standard error, and the eigenvalues of the observed
// information are the fractions of information that the hidden components leave.
//
// A chart is valid as long as what it charts lives. gradient() speaks of where move_to() was last told to go
// (the origin at first); a maximise() or unpack() in between makes it meaningless, so make a new chart then.
#pragma once

#include <memory>
#include <utility>

#include "eigen.h"

namespace em {

class Chart {
 public:
  virtual ~Chart() = default;
  Chart(const Chart&) = delete;
  Chart& operator=(const Chart&) = delete;

  Index size() const { return scale_.size(); }

  // By how many natural units a step of one moves, for each coordinate: 1 / sqrt(rows that speak of it). A
  // natural unit is a standard deviation, a logarithm, an angle: what one row alone would tell it to.
  const Vector& scale() const { return scale_; }

  void move_to(ConstVectorRef u);
  void gradient(ConstVectorRef statistics, VectorRef g) const;

  // The same in natural units: z = scale() * u.
  virtual void place(ConstVectorRef z) = 0;
  virtual void slope(ConstVectorRef statistics, VectorRef g) const = 0;

 protected:
  explicit Chart(Vector scale) : scale_(std::move(scale)) {}

 private:
  Vector scale_;
};

// Two charts side by side: the coordinates of the latent structure come first, as in Model::fields(), and the
// statistics of the family, as in Model::statistics().
std::unique_ptr<Chart> join_charts(std::unique_ptr<Chart> latent, std::unique_ptr<Chart> family,
                                   Index n_family_statistics);

// Orthonormal columns that span the complement of a unit vector: d x (d - 1).
Matrix complement_of(ConstVectorRef unit);

}  // namespace em
