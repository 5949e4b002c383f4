// Scratch memory on cache-line boundaries, one piece a worker. All pieces are made by the calling thread: where memory
// ends inside a new thread, throwing may need some itself, and the process aborts. Pages not yet written to take none.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace ridgeback {

struct FreeAligned {
  void operator()(void* memory) const { ::operator delete(memory, std::align_val_t(64)); }
};

class WorkerScratch {
 public:
  WorkerScratch(int n_workers, std::size_t bytes) : pieces_(n_workers) {
    for (auto& piece : pieces_) piece.reset(::operator new(bytes, std::align_val_t(64)));
  }
  void* of(int worker) const { return pieces_[worker].get(); }

 private:
  std::vector<std::unique_ptr<void, FreeAligned>> pieces_;
};

}  // namespace ridgeback
