// The gradients of single units: see chart.h.
#include "model.h"

namespace em {

void Model::score(const Chart& chart, int threads, Interrupt& interrupt, const ScoreVisitor& visit) {
  // Gradients are linear in the statistics; what they are without any is that of a prior.
  Vector prior(chart.size());
  chart.gradient(Vector::Zero(statistics_.size()), prior);
  for_whole_slices(interrupt, [&] {
    if (parts_) family_->prepare(accuracy_);
    score_slices(chart, prior, threads, interrupt, visit);
  });
  if (parts_) family_->prepare(accuracy_);
}

void Model::score_slices(const Chart& chart, ConstVectorRef prior, int threads, Interrupt& interrupt,
                         const ScoreVisitor& visit) {
  make_workers(threads);
  Turnstile turnstile;
  parallel_for(static_cast<Index>(slices_.size()), threads, interrupt, [&](Index i, int id) {
    Turnstile::Ticket ticket(turnstile, i);
    const Rows& slice = slices_[size_of(i)];
    const Index begin = stretches_[size_of(slice.begin)].units.begin;
    const Rows units{begin, stretches_[size_of(slice.end() - 1)].units.end() - begin};
    Matrix scores(units.size, chart.size());
    Vector gradient(chart.size());
    for (Index u = 0; u < units.size && !interrupt.raised(); ++u) {
      score_unit(unit(units.begin + u), chart, workers_[size_of(id)], gradient);
      scores.row(u) = gradient - prior;
    }
    ticket.pass([&] {
      if (!interrupt.raised()) visit(units, scores);
    });
  });
}

}  // namespace em
