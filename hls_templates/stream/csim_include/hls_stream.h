// hls::stream with the interface of Vitis HLS, for C-simulation: an unbounded first-in-first-out.
//
// Reading an empty stream aborts and names the stream: in hardware it would hang.
#ifndef FPGACOMP_CSIM_HLS_STREAM_H
#define FPGACOMP_CSIM_HLS_STREAM_H

#define FPGACOMP_LIGHT_HLS_STREAM 1

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace hls {

template <class T, int DEPTH = 0> class stream {
 public:
  stream() : stream("stream") {}
  explicit stream(const char* name)
      : name_(name), head_(0), tail_(0), capacity_(0) {}
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() {
    if (head_ != tail_)
      std::fprintf(stderr, "WARNING: stream '%s' ends with %zu words unread\n", name_, size());
  }

  bool empty() const { return head_ == tail_; }
  bool full() const { return false; }
  std::size_t size() const { return tail_ - head_; }
  const char* name() const { return name_; }

  T read() {
    if (head_ == tail_) underflow();
    return words_[head_++];
  }
  void read(T& word) { word = read(); }
  void operator>>(T& word) { word = read(); }
  bool read_nb(T& word) {
    if (empty()) return false;
    word = read();
    return true;
  }
  void write(const T& word) {
    if (tail_ == capacity_) make_room();
    words_[tail_++] = word;
  }
  void operator<<(const T& word) { write(word); }
  bool write_nb(const T& word) {
    write(word);
    return true;
  }

 private:
  const char* name_;
  std::unique_ptr<T[]> words_;
  std::size_t head_, tail_, capacity_;

  [[noreturn]] void underflow() const {
    std::fprintf(stderr, "ERROR: stream '%s' is read while empty\n", name_);
    std::abort();
  }
  // Words that were read make room first; the store doubles only when half of it is in use.
  __attribute__((noinline)) void make_room() {
    const std::size_t used = size();
    if (capacity_ != 0 && used * 2 <= capacity_) {
      for (std::size_t i = 0; i < used; ++i) words_[i] = words_[head_ + i];
    } else {
      capacity_ = capacity_ < 32 ? 64 : 2 * capacity_;
      std::unique_ptr<T[]> larger(new T[capacity_]);
      for (std::size_t i = 0; i < used; ++i) larger[i] = words_[head_ + i];
      words_.swap(larger);
    }
    head_ = 0;
    tail_ = used;
  }
};

}  // namespace hls

#endif
