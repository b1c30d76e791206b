// SPDX-License-Identifier: MIT
// Eight cards as amdgpu shows them, in a folder that stands for "/", and a monitor over them.
#pragma once

#include "core/system.h"
#include "monitor/monitor.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace hwa::bench {

inline constexpr size_t cards = 8;
/// Files of one card that are read each time.
inline constexpr size_t files_of_a_card = 7;

class Cards {
  public:
    Cards() {
        char pattern[] = "/tmp/hwa-sample-XXXXXX";
        if (::mkdtemp(pattern) == nullptr)
            std::abort();
        root_ = pattern;
        for (size_t i = 0; i < cards; ++i)
            add("0000:0" + std::to_string(i + 1) + ":00.0");
    }
    ~Cards() { std::filesystem::remove_all(root_); }
    Cards(const Cards &) = delete;
    Cards &operator=(const Cards &) = delete;

    monitor::Monitor watch() const {
        std::vector<const core::Device *> devices;
        for (const core::Device &device : system_.devices)
            devices.push_back(&device);
        return monitor::Monitor::open(root_, "", system_, devices);
    }

  private:
    void add(const std::string &address) {
        static constexpr struct {
            const char *path, *text;
        } files[files_of_a_card] = {
            {"power/runtime_status", "active\n"},
            {"gpu_busy_percent", "35\n"},
            {"mem_info_vram_used", "400000000\n"},
            {"mem_info_vram_total", "17179869184\n"},
            {"hwmon/hwmon4/temp1_input", "45000\n"},
            {"hwmon/hwmon4/power1_average", "120500000\n"},
            {"hwmon/hwmon4/freq1_input", "2100000000\n"},
        };
        const std::string folder = root_ + "/sys/bus/pci/devices/" + address + "/";
        std::filesystem::create_directories(folder + "power");
        std::filesystem::create_directories(folder + "hwmon/hwmon4");
        for (const auto &file : files) {
            FILE *made = std::fopen((folder + file.path).c_str(), "w");
            if (made == nullptr || std::fputs(file.text, made) < 0 || std::fclose(made) != 0)
                std::abort();
        }
        core::Device device;
        device.id = "pci-" + address;
        device.kind = core::Kind::Gpu;
        device.driver = {"amdgpu", core::Source::Kernel};
        system_.devices.push_back(std::move(device));
    }

    std::string root_;
    core::System system_;
};

} // namespace hwa::bench
