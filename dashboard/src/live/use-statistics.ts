// The running totals: pushed by the live stream, and fetched when the stream has been silent for five seconds (each
// push restarts that wait).
import { useQuery } from '@tanstack/react-query';
import { readStatistics, statisticsKey } from '../api/client';

const SILENCE_MS = 5_000;

export function useStatistics() {
  return useQuery({
    queryKey: statisticsKey,
    queryFn: ({ signal }) => readStatistics(signal),
    refetchInterval: SILENCE_MS,
    staleTime: SILENCE_MS,
  });
}
