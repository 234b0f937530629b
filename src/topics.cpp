#include "topics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dense.h"
#include "gamma_functions.h"
#include "numerics.h"

namespace em {

namespace {

// Below it a sum of products may have lost what its logarithm needs.
constexpr double least_sum = 1e-280;
constexpr Index most_slices = 64;

// No slice is so small that adding its sums costs more than making them.
std::vector<Index> cut_slices(const Corpus& corpus) {
  const Index cells = corpus.begin_of(corpus.n_documents);
  const Index n = std::clamp<Index>(cells / std::max<Index>(4 * corpus.n_terms, 2000), 1, most_slices);
  std::vector<Index> out{0};
  for (Index i = 1; i < n; ++i) {
    const int target = static_cast<int>(cells * i / n);
    const Index cut =
        std::lower_bound(corpus.begin, corpus.begin + corpus.n_documents, target) - corpus.begin;
    if (cut > out.back()) out.push_back(cut);
  }
  if (corpus.n_documents > out.back() || out.size() == 1) out.push_back(corpus.n_documents);
  return out;
}

}  // namespace

// One thread's own: a document's gamma with all that is made of it, and the sums of a slice.
struct TopicModel::Workspace {
  Workspace(const TopicParameters& parameters, Index n_terms)
      : at(parameters),
        expected(parameters.alpha.size()),
        log_e(expected.size()),
        e(expected.size()),
        pull(expected.size()),
        next(expected.size()),
        best(expected.size()),
        words(Matrix::Zero(expected.size(), n_terms)),
        log_shares(Vector::Zero(expected.size())) {
    double sum = 0.0;
    for (Index j = 0; j < expected.size(); ++j) {
      const double a = parameters.alpha[j];
      sum += a;
      prior -= log_gamma_and_slope(a).value;
    }
    prior += log_gamma_and_slope(sum).value;
  }

  // log e and e of gamma = alpha + expected; the part of the bound that has no words.
  double open() {
    double sum = 0.0;
    double value = prior;
    for (Index j = 0; j < expected.size(); ++j) {
      const double gamma = at.alpha[j] + expected[j];
      const LogGamma here = log_gamma_and_slope(gamma);
      sum += gamma;
      value += here.value;
      log_e[j] = here.slope;
    }
    const LogGamma all = log_gamma_and_slope(sum);
    log_e -= all.slope;
    for (Index j = 0; j < e.size(); ++j) e[j] = std::exp(log_e[j]);  // see exponentials()
    return value - all.value - (expected * log_e).sum();
  }

  const TopicParameters& at;
  double prior = 0.0;
  Array expected, log_e, e, pull, next, best;
  Matrix words;  // without the factor b
  Vector log_shares;
  double documents = 0.0;
  double bound = 0.0;
};

TopicModel::TopicModel(const Corpus& corpus, Index k, int threads)
    : corpus_(corpus),
      k_(k),
      threads_(threads),
      length_(static_cast<std::size_t>(corpus.n_documents)),
      slices_(cut_slices(corpus)) {
  for (Index d = 0; d < corpus.n_documents; ++d) {
    double n = 0.0;
    for (Index i = corpus.begin_of(d); i < corpus.end_of(d); ++i) n += corpus.count[i];
    length_[static_cast<std::size_t>(d)] = n;
    words_ += corpus.weight_of(d) * n;
  }
}

// log q of a term whose sum is lost in the range of numbers, by logarithms; -Inf where no topic has it.
double TopicModel::unlikely_term(Workspace& work, Index w, double n, double weight, bool keep) const {
  const Array logs = work.log_e + logarithms(work.at.topic.col(w)).array();
  const double top = logs.maxCoeff();
  if (!(top > -infinity)) return -infinity;
  const Vector phi = exponentials((logs - top).matrix());
  const double sum = phi.sum();
  for (Index j = 0; j < k_; ++j) {
    if (!(phi[j] > 0.0)) continue;
    work.next[j] += n * phi[j] / sum;
    if (keep) work.words(j, w) += weight * n * phi[j] / sum / work.at.topic(j, w);
  }
  return top + std::log(sum);
}

// The bound of document d at work.expected, and in work.next the expected words of a sweep; keep: add to the
// sums.
double TopicModel::evaluate(Workspace& work, Index d, bool keep) const {
  double value = work.open();
  const double weight = corpus_.weight_of(d);
  work.pull.setZero();
  work.next.setZero();
  for (Index i = corpus_.begin_of(d); i < corpus_.end_of(d); ++i) {
    const Index w = corpus_.term[i];
    const double n = corpus_.count[i];
    const auto b = work.at.topic.col(w).array();
    const double q = (work.e * b).sum();
    if (!(q > least_sum)) {
      value += n * unlikely_term(work, w, n, weight, keep);
      continue;
    }
    const double r = n / q;
    value += n * std::log(q);
    work.pull += r * b;
    if (keep) work.words.col(w).array() += (weight * r) * work.e;
  }
  work.next += work.e * work.pull;
  if (keep) {
    work.log_shares += weight * work.log_e.matrix();
    work.documents += weight;
    work.bound += weight * value;
  }
  return value;
}

// From equal shares to where sweeps gain no more, in work.expected.
void TopicModel::fresh_try(Workspace& work, Index d, int most, double tol) const {
  const double length = length_[static_cast<std::size_t>(d)];
  work.expected.setConstant(length / static_cast<double>(k_));
  double before = -infinity;
  for (int i = 0; i < most; ++i) {
    const double now = evaluate(work, d, false);
    if (now - before <= tol * length || std::isnan(now)) return;
    before = now;
    work.expected = work.next;
  }
}

template <class Visit>
TopicStatistics TopicModel::pass(const TopicParameters& at, Interrupt& interrupt, Visit visit) const {
  TopicStatistics out;
  out.words = Matrix::Zero(k_, corpus_.n_terms);
  out.log_shares = Vector::Zero(k_);
  const Index n_slices = static_cast<Index>(slices_.size()) - 1;
  const int threads = static_cast<int>(std::clamp<Index>(threads_, 1, n_slices));
  std::vector<Workspace> team;
  team.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) team.emplace_back(at, corpus_.n_terms);
  Turnstile turnstile;
  parallel_for(n_slices, threads, interrupt, [&](Index slice, int worker) {
    Turnstile::Ticket ticket(turnstile, slice);
    if (interrupt.raised()) return;
    Workspace& work = team[static_cast<std::size_t>(worker)];
    const auto s = static_cast<std::size_t>(slice);
    for (Index d = slices_[s]; d < slices_[s + 1]; ++d) {
      if (length_[static_cast<std::size_t>(d)] > 0.0) visit(work, d);
      if ((d & 255) == 0) interrupt.poll();
      if (interrupt.raised()) return;
    }
    ticket.pass([&] {
      out.words += work.words;
      out.log_shares += work.log_shares;
      out.documents += work.documents;
      out.bound += work.bound;
    });
    work.words.setZero();
    work.log_shares.setZero();
    work.documents = work.bound = 0.0;
  });
  out.words.array() *= at.topic.array();
  return out;
}

TopicStatistics TopicModel::sweep(const TopicParameters& at, Matrix& expected, Matrix& next, int fresh,
                                  double* bounds, Interrupt& interrupt) const {
  return pass(at, interrupt, [&](Workspace& work, Index d) {
    if (fresh > 0) {
      work.expected = expected.col(d).array();
      const double kept = evaluate(work, d, false);
      fresh_try(work, d, fresh, 1e-8);
      if (evaluate(work, d, false) > kept) expected.col(d) = work.expected.matrix();
    }
    work.expected = expected.col(d).array();
    const double value = evaluate(work, d, true);
    next.col(d) = work.next.matrix();
    if (bounds) bounds[d] = value;
  });
}

TopicStatistics TopicModel::settle(const TopicParameters& at, Matrix& expected, bool warm, double tol,
                                   int most, double* bounds, Interrupt& interrupt) const {
  return pass(at, interrupt, [&](Workspace& work, Index d) {
    const double length = length_[static_cast<std::size_t>(d)];
    if (!warm || most > 0) fresh_try(work, d, most, tol);
    if (warm && most == 0) work.expected = expected.col(d).array();
    if (warm && most > 0) {
      const double fresh = evaluate(work, d, false);
      work.best = work.expected;
      work.expected = expected.col(d).array();
      double before = -infinity;
      for (int i = 0; i < most; ++i) {
        const double now = evaluate(work, d, false);
        if (now - before <= tol * length || std::isnan(now)) break;
        before = now;
        work.expected = work.next;
      }
      if (fresh > evaluate(work, d, false)) work.expected = work.best;
    }
    expected.col(d) = work.expected.matrix();
    const double value = evaluate(work, d, true);
    if (bounds) bounds[d] = value;
  });
}

void TopicModel::maximise(const TopicStatistics& from, AlphaKind kind, const Matrix* held,
                          TopicParameters& at) {
  const Index n_terms = at.topic.cols();
  for (Index j = 0; j < at.topic.rows(); ++j) {
    double left = 1.0;
    double sum = 0.0;
    for (Index w = 0; w < n_terms; ++w) {
      const double given = held ? (*held)(j, w) : std::numeric_limits<double>::quiet_NaN();
      if (std::isnan(given)) {
        sum += from.words(j, w);
      } else {
        left -= given;
      }
    }
    if (!(sum > 1e-290)) continue;  // a topic without words stays as it is
    for (Index w = 0; w < n_terms; ++w) {
      if (!held || std::isnan((*held)(j, w))) at.topic(j, w) = from.words(j, w) * (left / sum);
    }
  }
  if (kind != AlphaKind::held) maximise_alpha(at.alpha, kind, from.log_shares, from.documents);
}

TopicRun run_topics(const TopicModel& model, const TopicControl& control, const Matrix* held,
                    TopicParameters& at, Matrix& expected, Interrupt& interrupt) {
  TopicRun run;
  run.status = "max_iter";
  Matrix next = expected;
  const auto fresh_sweeps = [&](int i, bool asked) {
    if (control.fresh_every == 0) return 0;
    const bool due = asked || i < control.fresh_first || (i > 0 && i % control.fresh_every == 0);
    return due ? control.fresh_sweeps : 0;
  };
  run.last = model.sweep(at, expected, next, fresh_sweeps(control.first, false), nullptr, interrupt);
  run.trace.push_back(run.last.bound);
  bool again = false;  // a fresh try before it is said that nothing more is to be had
  for (int i = 1; i <= control.max_iter; ++i) {
    if (interrupt.raised() || !std::isfinite(run.last.bound)) break;
    const TopicParameters kept = at;
    const AlphaKind alpha = control.first + i < control.alpha_from ? AlphaKind::held : control.alpha;
    TopicModel::maximise(run.last, alpha, held, at);
    expected.swap(next);
    const int fresh = fresh_sweeps(control.first + i, again);
    TopicStatistics now = model.sweep(at, expected, next, fresh, nullptr, interrupt);
    if (interrupt.raised()) {
      at = kept;
      expected.swap(next);
      break;
    }
    const double gain = now.bound - run.trace.back();
    run.trace.push_back(now.bound);
    run.last = std::move(now);
    if (control.tol > 0.0 && gain <= control.tol * model.words()) {
      if (fresh > 0 || control.fresh_every == 0) {
        run.status = "converged";
        break;
      }
      again = true;
    } else {
      again = false;
    }
  }
  if (!std::isfinite(run.last.bound)) run.status = "impossible";
  if (interrupt.raised()) run.status = "interrupted";
  return run;
}

}  // namespace em
